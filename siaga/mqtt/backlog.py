"""Finds the end of a backlog. After a reconnect, a broker first sends the messages that it kept, without marking them.

So the session publishes a mark to itself. The broker queues it behind the backlog: messages before the mark are late.
If access rules deny the mark, the backlog ends after a silence (`MARK_IDLE`) or a timeout (`MARK_WITHIN`).
"""

import uuid

__all__ = ["Backlog"]

MARK_WITHIN = 600.0
"""Seconds after which messages count as live even if the mark did not return (the broker may deny it)."""
MARK_IDLE = 5.0
"""Seconds of silence that also end the backlog, unless the broker is waiting for acknowledgements."""


class Backlog:
    """The backlog of one connection; times are monotonic seconds."""

    def __init__(self) -> None:
        self.mark: bytes | None = None
        """The payload that marks the end; `None`: there is no backlog, or it has ended."""
        self._began = self._heard = 0.0
        self._in_hand: set[int] = set()

    def begin(self, now: float) -> None:
        """Begin a backlog: the broker had kept the session."""
        self.mark = uuid.uuid4().hex.encode()
        self._began = self._heard = now

    def came(self, payload: bytes) -> None:
        """End the backlog if this is its mark. A mark of an earlier connection is ignored."""
        if payload == self.mark:
            self.mark = None

    def heard(self, mid: int | None, now: float) -> bool:
        """Note a message. Returns whether it is in the backlog. `mid`: the id for its acknowledgement."""
        silent = now - self._began > MARK_WITHIN or now - self._heard > MARK_IDLE
        if silent and not self._in_hand:
            self.mark = None
        self._heard = now
        if mid is not None:
            self._in_hand.add(mid)
        return self.mark is not None

    def acknowledged(self, mid: int, now: float) -> None:
        """Note an acknowledgement. A silence counts from the last one: before it, the broker was waiting for us."""
        self._in_hand.discard(mid)
        if not self._in_hand:
            if now - self._heard > MARK_IDLE:
                self._began += now - self._heard
            self._heard = now
