"""Where a backlog ends: what a broker kept for a session that was away comes first, and nothing in it says so.

So the session publishes a mark to itself. The broker queues it behind the backlog, and what comes before it is late.
Where access rules deny the mark the backlog ends with a silence, or after a while.
"""

import uuid

__all__ = ["Backlog"]

MARK_WITHIN = 600.0
"""Seconds after which everything is taken for live although the mark did not come back (the broker may deny it)."""
MARK_IDLE = 5.0
"""Seconds of silence that end the backlog as well, unless the broker waits for acknowledgements meanwhile."""


class Backlog:
    """The backlog of one connection; times are monotonic seconds."""

    def __init__(self) -> None:
        self.mark: bytes | None = None
        """What is to come back; `None`: there is no backlog, or it is over."""
        self._began = self._heard = 0.0
        self._in_hand: set[int] = set()

    def begin(self, now: float) -> None:
        """The broker had kept the session."""
        self.mark = uuid.uuid4().hex.encode()
        self._began = self._heard = now

    def came(self, payload: bytes) -> None:
        """A mark came back; another one's, of a connection before, says nothing."""
        if payload == self.mark:
            self.mark = None

    def heard(self, mid: int | None, now: float) -> bool:
        """A message came; whether it is of the backlog. `mid`: by which it will be acknowledged."""
        silent = now - self._began > MARK_WITHIN or now - self._heard > MARK_IDLE
        if silent and not self._in_hand:
            self.mark = None
        self._heard = now
        if mid is not None:
            self._in_hand.add(mid)
        return self.mark is not None

    def acknowledged(self, mid: int, now: float) -> None:
        """A message is acknowledged. With the last one a silence begins; what was before was our own doing."""
        self._in_hand.discard(mid)
        if not self._in_hand:
            if now - self._heard > MARK_IDLE:
                self._began += now - self._heard
            self._heard = now
