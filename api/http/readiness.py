"""Whether each part of this process does its work, answered in time whatever hangs.

Each check runs in a thread of its own, one at a time: one that does not come back is not asked again until it does, and
its part is not ready, since when it last was.
"""

import asyncio
import threading
from collections.abc import Mapping
from concurrent.futures import Future

import structlog

from api.alerts.documents import rfc3339
from api.http.services import Check
from siaga.model.clock import SECOND, Clock

__all__ = ["ANSWER_WITHIN", "Probes"]

ANSWER_WITHIN = 1.5
"""Seconds until an answer is given without the checks that have none (contract: 2 s for all of it)."""

_log = structlog.get_logger(__name__)


class Probes:
    """The checks of one process by name. For one event loop."""

    def __init__(self, checks: Mapping[str, Check], clock: Clock) -> None:
        self._probes = {name: _Probe(name, check, clock) for name, check in checks.items()}

    async def reasons(self) -> dict[str, str]:
        """Returns why each part that is not ready is not, in a sentence."""
        asked = {probe: asyncio.wrap_future(probe.ask()) for probe in self._probes.values()}
        await asyncio.wait(asked.values(), timeout=ANSWER_WITHIN)
        found = {probe.name: answer.result() if answer.done() else probe.no_answer() for probe, answer in asked.items()}
        return {name: reason for name, reason in found.items() if reason is not None}


class _Probe:
    """One check: asked in a thread, once at a time."""

    def __init__(self, name: str, check: Check, clock: Clock) -> None:
        self.name = name
        self._check, self._clock = check, clock
        self._running: Future[str | None] | None = None
        self._silent_since: tuple[int, int] | None = None
        """When the first check began that has not succeeded since: wall time and monotonic, ms."""

    def ask(self) -> Future[str | None]:
        """Returns the answer to be: of the check that runs, else of a new one."""
        if self._running is None or self._running.done():
            if self._silent_since is None:
                self._silent_since = self._clock.now(), self._clock.monotonic()
            self._running = Future()
            threading.Thread(target=self._run, args=(self._running,), name=f"check {self.name}", daemon=True).start()
        return self._running

    def no_answer(self) -> str:
        """Returns the sentence for a check that has not come back."""
        assert self._silent_since is not None  # noqa: S101 - it is asked, and has not answered
        since, monotonic = self._silent_since
        lasted = (self._clock.monotonic() - monotonic) // SECOND
        return f"it has given no answer since {rfc3339(since - since % SECOND)}, for {lasted} s"

    def _run(self, answer: Future[str | None]) -> None:
        try:
            reason = self._check()
        except Exception as error:  # noqa: BLE001 - a check that breaks says that its part is not ready
            _log.warning("check_failed", check=self.name, error=repr(error))
            reason = "it could not be checked; the log says why"
        if reason is None:
            self._silent_since = None
        answer.set_result(reason)
