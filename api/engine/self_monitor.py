"""What the engine notices of itself: its connection to the broker, a clock that was set, a stall.

None of these is a village's fault, so none of them counts as its silence.
"""

from dataclasses import dataclass

import structlog

from api.alerts.certainty import Moment
from siaga.database.dealing import Heard
from siaga.model.clock import MINUTE, SECOND, Clock
from siaga.mqtt import Transport

__all__ = ["Reconnected", "SelfMonitor"]

log = structlog.get_logger(__name__)

STALL = 5 * SECOND
"""The engine was woken this much later than it asked for: the machine slept, and messages wait to be taken."""
AFTER_STALL = SECOND
"""After a stall: time to take these messages, before anything is decided by time alone."""
JUMP = 2 * SECOND
"""The wall clock was set when it moved by more than this against the monotonic one."""
_WORKS_OFF = MINUTE
"""ms in which the messages are taken that a broker kept: a hundred thousand at most."""


@dataclass(frozen=True, slots=True)
class Reconnected:
    """The engine hears the broker again. What was published from `lost_since` (wall time) on may never come."""

    lost_since: int | None


class SelfMonitor:
    """The engine's own connection and clocks. `decides_at`: from when on (monotonic) deadlines may be looked at."""

    def __init__(self, clock: Clock, transport: Transport) -> None:
        self._clock, self._transport = clock, transport
        self._listening_from: int | None = None
        self._deaf_since: int | None = None
        self._connections: int | None = None
        self._unseen: int | None = None
        self._settled, self._lost = False, False
        self._behind_from = self._behind_until = 0
        self._changed = False
        self._awaited: int | None = None
        self._offset = clock.now() - clock.monotonic()
        self.decides_at = 0

    def moment(self) -> Moment:
        """Now, as the engine sees it."""
        return Moment(self._clock.now(), self._clock.monotonic(), self._listening_from)

    def begin(self, heard: Heard | None, moment: Moment) -> None:
        """Go on from what the engine before this one had taken."""
        self._deaf_since = moment.now if heard is None else min(heard.until, moment.now)
        self._lost = heard is None or not heard.settled
        self._connections = self._transport.connections - self._transport.connected

    def take_changed(self) -> bool:
        """Returns True if `heard` has changed, so that it is to be saved at once."""
        changed, self._changed = self._changed, False
        return changed

    def heard(self, unread_since: int | None) -> Heard:
        """Returns what a successor has to know. `unread_since`: from when on notes of late data were not read yet."""
        moment = self.moment()
        until = self._heard_until(moment) if self._deaf_since is None else self._deaf_since
        if unread_since is not None:
            return Heard(until=min(until, unread_since), settled=False)
        return Heard(until=until, settled=self._settled)

    def _heard_until(self, moment: Moment) -> int:
        """Returns until when (wall time) all that was published has been taken, while there is a connection."""
        return min(moment.now, self._behind_from) if moment.monotonic < self._behind_until else moment.now

    def held_up(self, moment: Moment) -> None:
        """Nothing can be taken now: messages wait at the broker."""
        if moment.monotonic >= self._behind_until:
            self._behind_from = moment.now
        self._behind_until = moment.monotonic + _WORKS_OFF

    def await_waking(self, monotonic: int) -> None:
        """The engine asks to be woken at this time at the latest."""
        self._awaited = monotonic

    def notice_connection(self) -> Reconnected | None:
        """Returns a new connection, if there is one. The silence of villages counts from then on."""
        moment = self.moment()
        connections = self._transport.connections
        if not self._transport.connected:
            if self._listening_from is not None:
                log.warning("the alert engine lost the broker")
            self._listening_from = None
            if self._deaf_since is None:
                self._deaf_since, self._settled, self._changed = self._heard_until(moment), False, True
            if connections not in (self._connections, self._unseen):
                # A connection came and went between two looks. The next is allowed once `heard` is saved as not settled
                self._unseen, self._changed = connections, True
            return None
        if self._listening_from is not None and connections == self._connections:
            return None
        # The broker may have lost the session before a connection that came and went unseen
        kept = (
            self._transport.resumed
            and not self._lost
            and (self._connections is None or connections == self._connections + 1)
        )
        self._connections, self._listening_from = connections, moment.monotonic
        since = self._heard_until(moment) if self._deaf_since is None else self._deaf_since
        self._behind_from, self._behind_until = since, moment.monotonic + _WORKS_OFF
        self._deaf_since, self._settled, self._lost, self._changed = None, True, False, True
        return Reconnected(None if kept else since)

    def notice_stall(self) -> bool:
        """Returns True if the engine was woken far too late. It first takes what the villages said meanwhile."""
        monotonic = self._clock.monotonic()
        awaited, self._awaited = self._awaited, None
        if awaited is None or monotonic - awaited <= STALL:
            return False
        log.warning("the alert engine stood still", ms=monotonic - awaited)
        self.decides_at = monotonic + AFTER_STALL
        return True

    def notice_jump(self) -> bool:
        """Returns True if the wall clock was set, which makes all deadlines wrong."""
        offset = self._clock.now() - self._clock.monotonic()
        by, self._offset = offset - self._offset, offset
        if abs(by) <= JUMP:
            return False
        log.warning("the wall clock was set", by_ms=by)
        return True
