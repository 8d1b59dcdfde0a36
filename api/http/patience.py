"""A connection on which no whole request head arrives in time is closed.

uvicorn has a bound on connections and none on how long a head may take, so a few hundred connections that say nothing
would shut everybody else out.
"""

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

__all__ = ["HEAD_WITHIN", "Impatient"]

HEAD_WITHIN = 20.0
"""Seconds for the head of a request. On 100 kbit/s, with the largest one, it takes three."""


class Impatient(H11Protocol):
    """uvicorn's protocol, with that deadline. Bytes that trickle in do not prolong it."""

    _closing_at: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._closing_at = self.loop.call_later(HEAD_WITHIN, self._close)

    def data_received(self, data: bytes) -> None:
        """Wait on for the rest of a head, or stop waiting once it is whole."""
        super().data_received(data)
        if self._is_answering() or self.timeout_keep_alive_task is not None:
            self._forget()
        elif self._closing_at is None:
            self._closing_at = self.loop.call_later(HEAD_WITHIN, self._close)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._forget()
        super().connection_lost(exc)

    def _is_answering(self) -> bool:
        cycle: object = self.cycle  # None before the first request, whatever uvicorn's types say
        return isinstance(cycle, RequestResponseCycle) and not cycle.response_complete

    def _forget(self) -> None:
        if self._closing_at is not None:
            self._closing_at.cancel()
            self._closing_at = None

    def _close(self) -> None:
        self._closing_at = None
        if not self._is_answering():
            self.transport.close()
