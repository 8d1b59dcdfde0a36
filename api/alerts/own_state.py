"""What the engine notices of itself: whether it hears the broker, that its clock was set, that it stood still.

None of it is the villages' doing, and none of it counts against them.
"""

from collections.abc import Mapping

import structlog

from api.alerts.life import Moment
from api.alerts.live import Live
from api.alerts.loading import Loading
from api.alerts.watch import WatchedVillage
from siaga.model.clock import MINUTE, SECOND, Clock
from siaga.mqtt import Transport

__all__ = ["OwnState"]

log = structlog.get_logger(__name__)

STALL = 5 * SECOND
"""So much later than it asked for was it woken: the machine slept, and what came meanwhile waits to be taken."""
AFTER_STALL = SECOND
"""What it gets to be taken, before anything is decided by the time alone."""
JUMP = 2 * SECOND
"""The wall clock was set when it moved by more than this against the monotonic one."""


class OwnState:
    """The engine's own ears and clocks. `decides_at`: when (monotonic) deadlines may be looked at."""

    def __init__(
        self,
        clock: Clock,
        transport: Transport,
        villages: Mapping[str, WatchedVillage],
        live: Live,
        loading: Loading,
    ) -> None:
        self._clock, self._transport = clock, transport
        self._villages, self._live, self._loading = villages, live, loading
        self._listening_from: int | None = None
        self._deaf_since: int | None = None
        self._awaited: int | None = None
        self._offset = clock.now() - clock.monotonic()
        self.decides_at = 0

    def moment(self) -> Moment:
        """Now, as the engine sees it."""
        return Moment(self._clock.now(), self._clock.monotonic(), self._listening_from)

    def notice(self) -> Moment:
        """Take note of what has changed; the moment from which that counts."""
        self._notice_connection(self.moment())
        moment = self.moment()  # anew: from when it listens belongs to it
        self._notice_jump(moment)
        self._notice_stall(moment)
        return moment

    @property
    def deaf_since(self) -> int | None:
        """Since when (wall time) it does not hear the broker; `None`: it hears it."""
        return self._deaf_since if self._listening_from is None else None

    def await_waking(self, monotonic: int) -> None:
        """When the engine asks to be woken at the latest."""
        self._awaited = monotonic

    def _notice_connection(self, moment: Moment) -> None:
        """The centre's own absence is not the villages': their silence counts from when it listens again."""
        connected = self._transport.connected
        if connected == (self._listening_from is not None):
            if not connected and self._deaf_since is None:
                self._deaf_since = moment.now  # from the start: what comes until it hears is in the store alone
            return
        if not connected:
            self._listening_from, self._deaf_since = None, moment.now
            log.warning("the alert engine lost the broker")
            return
        self._listening_from = moment.monotonic
        again = self._deaf_since
        self._forgive_silence(moment)
        for village in self._villages.values():
            self._live.deadlines.ask(village, moment.now)
            if again is not None:
                self._loading.reload(village, again, moment)
        if again is not None:
            self._loading.follow_arrivals(again - MINUTE)

    def _notice_stall(self, moment: Moment) -> None:
        """Woken far too late, the engine first hears what the villages said meanwhile."""
        awaited, self._awaited = self._awaited, None
        if awaited is None or moment.monotonic - awaited <= STALL:
            return
        log.warning("the alert engine stood still", ms=moment.monotonic - awaited)
        self.decides_at = moment.monotonic + AFTER_STALL
        self._forgive_silence(moment)

    def _forgive_silence(self, moment: Moment) -> None:
        for village in self._villages.values():
            village.quiet_from = max(village.quiet_from, moment.monotonic)
            village.returned = village.late_at = moment.monotonic

    def _notice_jump(self, moment: Moment) -> None:
        """After the wall clock was set all deadlines are wrong: everything is looked at once."""
        offset = moment.now - moment.monotonic
        if abs(offset - self._offset) > JUMP:
            log.warning("the wall clock was set", by_ms=offset - self._offset)
            for village in self._villages.values():
                for facility in village.facilities.values():
                    # What was judged of a time that is yet to come again may come otherwise
                    facility.dirty_from = min(facility.dirty_from, moment.now)
                for subject in (village, *village.subjects):
                    subject.due = None
                    self._live.deadlines.ask(subject, moment.now)
        self._offset = offset
