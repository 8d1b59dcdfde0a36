"""The link of one village: whether anything arrives from it, and its last absence.

The link is `Online` or `Offline`. `CatchUp` is independent of that: for a while after something arrives again, more of
what a gateway kept is expected. An engine that reconnects expects it from every village, also from one that is offline.
Each buffer of a gateway brings the present, or is on its way to it. Times are wall time in ms; `CatchUp`,
`Buffered.since` and `quiet_from` are monotonic ms.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from api.alert_records.alert import OpenAlert
from api.alerts.certainty import Moment
from api.alerts.subject import Subject
from siaga.model.clock import MINUTE, SECOND
from siaga.timeline.judge import GATEWAY_HEARD
from siaga.timeline.span_algebra import FOREVER
from siaga.wire.batch import LIVE_EDGE

__all__ = ["CAUGHT_UP_AFTER", "Absence", "Buffered", "CatchUp", "Link", "LinkRow", "Offline", "Online"]

BEHIND = 45 * SECOND
"""A buffer whose newest heartbeat is older than this on arrival is behind. A running gateway sends one every 30 s."""
CAUGHT_UP_AFTER = 5 * SECOND
"""Wall time without late data after which a gateway that came back has caught up."""
CATCH_UP_WITHIN = 60 * SECOND
"""The longest time that alerts wait for a gateway that came back and brings the present."""
_BUFFERS = 16
"""How many buffers of a village are remembered: the latest. A gateway that lost its buffer starts another."""
BOOT = MINUTE
"""A gateway may have booted up to this long before its first message arrives: heartbeats from that minute do not show
that it ran during the outage."""


@dataclass(frozen=True, slots=True)
class Online:
    """Its batches arrive."""

    since: int


@dataclass(frozen=True, slots=True)
class Offline:
    """Nothing arrives, maybe nothing ever has. `alert`: its open `village_offline`, if there is one."""

    since: int
    alert: OpenAlert | None = None


class LinkRow(NamedTuple):
    """What `village_state` has of a link: whether it is online, since when, and when something last arrived."""

    link: str
    since: int
    last_arrival: int | None


@dataclass(frozen=True, slots=True)
class CatchUp:
    """Something arrived again at `returned`, and late data last at `late_at`."""

    returned: int
    late_at: int

    @property
    def until(self) -> int:
        """When no more late data is waited for."""
        return min(self.late_at + CAUGHT_UP_AFTER, self.returned + CATCH_UP_WITHIN)


@dataclass(frozen=True, slots=True)
class Buffered:
    """One buffer of a gateway. `newest`: the time of its newest heartbeat.

    `lag`: the age of that heartbeat when it arrived, at `since`. Since then the lag has not shrunk by more than
    `BEHIND`. 0: this buffer is sent newest first.
    """

    newest: int
    lag: int
    since: int

    @property
    def is_behind(self) -> bool:
        """Whether it has not brought the present."""
        return self.lag > BEHIND

    def goes_on(self, lag: int, offline_after: int) -> bool:
        """Returns whether it is behind as before: it came no nearer, and was not cut off for `offline_after`."""
        return lag > BEHIND and self.is_behind and self.lag - BEHIND <= lag <= self.lag + offline_after


@dataclass(frozen=True, slots=True)
class Absence:
    """A time, in event time, for which nothing arrived from a village. `alert`: the id of its `village_offline`.

    `beats`: how many heartbeats of that time came later, without its last `BOOT`. `settled`: the village's return ended
    the alert.
    """

    alert: str
    began: int
    ended: int
    beats: int = 0
    settled: bool = False

    def likely(self) -> dict[str, object] | None:
        """Returns the likely cause, by whether the gateway ran meanwhile; `None`: it was too short to tell."""
        lasted = self.ended - self.began
        if lasted <= 2 * MINUTE or not self.settled:
            return None
        # Each heartbeat covers 90 s. If they cover half of the time, the gateway ran, and only the link was gone
        ran = self.beats * 2 * GATEWAY_HEARD >= lasted
        return {"gateway_ran": ran, "likely": "link" if ran else "mains_out"}


@dataclass(slots=True, eq=False, kw_only=True)
class Link(Subject):
    """What is known of one village's link.

    `listening_since`: when the centre began to listen to it; `quiet_from`: since when nothing has arrived;
    `has_arrived`: something arrived since this engine began to watch it; `buffers`: by gateway and epoch. `checked`:
    when it was last looked at whether evidence has ceased to hold, or the gateways are silent; `evidence_until`: that
    of all facilities holds until then.
    """

    listening_since: int
    quiet_from: int
    state: Online | Offline = field(init=False)
    last_arrival: int | None = None
    has_arrived: bool = False
    buffers: dict[tuple[str, str], Buffered] = field(default_factory=dict)
    catch_up: CatchUp | None = None
    absence: Absence | None = None
    checked: int = 0
    evidence_until: int = FOREVER
    _told: Online | Offline = field(init=False)

    def __post_init__(self) -> None:
        self.state = self._told = Offline(self.listening_since)

    @property
    def alert(self) -> OpenAlert | None:
        """The open `village_offline` of the village."""
        return self.state.alert if isinstance(self.state, Offline) else None

    @property
    def is_online(self) -> bool:
        """Whether something arrives."""
        return isinstance(self.state, Online)

    # What arrives

    def arrive(self, now: int, monotonic: int) -> None:
        """Something arrived. What arrives first may have been buffered long ago."""
        if not self.has_arrived or monotonic - self.quiet_from > BEHIND:
            self.catch_up = CatchUp(monotonic, monotonic)
        self.has_arrived, self.quiet_from, self.last_arrival = True, monotonic, now

    def note_oldest(self, time: int, now: int, monotonic: int) -> None:
        """Note how late the oldest reading of a batch came."""
        if self.catch_up is not None and time < now - LIVE_EDGE:
            self.catch_up = replace(self.catch_up, late_at=monotonic)

    def note_buffer(self, buffer: tuple[str, str], time: int, now: int, monotonic: int, offline_after: int) -> bool:
        """Note the newest heartbeat of a batch. Returns True if its buffer has caught up by that.

        `offline_after`: a buffer that falls further behind than by this has been cut off, and begins to catch up anew.
        """
        before = self.buffers.pop(buffer, None)  # and put in again below, as the last of the dictionary
        newest = time if before is None else max(time, before.newest)
        lag = max(0, now - time) if newest == time else 0  # an older heartbeat came later: newest first
        if before is not None and before.goes_on(lag, offline_after):
            self.buffers[buffer] = replace(before, newest=newest)
        else:
            self.buffers[buffer] = Buffered(newest, lag, monotonic)
        if len(self.buffers) > _BUFFERS:
            del self.buffers[next(iter(self.buffers))]
        return before is not None and before.is_behind and lag <= BEHIND

    def note_beat(self, time: int) -> None:
        """Note a heartbeat that the gateway sent during the last absence."""
        absence = self.absence
        if absence is not None and absence.began < time < absence.ended - BOOT:
            self.absence = replace(absence, beats=absence.beats + 1)

    def forgive(self, monotonic: int) -> None:
        """The centre itself was absent. The village's silence counts from here, and late data may follow."""
        self.quiet_from = max(self.quiet_from, monotonic)
        self.catch_up = CatchUp(monotonic, monotonic)

    def check(self, now: int, evidence_until: int) -> None:
        """It was looked at whether evidence has ceased to hold: the present evidence does so until then."""
        self.checked, self.evidence_until = now, evidence_until

    def await_evidence(self, until: int) -> bool:
        """The evidence of a facility holds until then. Returns True if it is the first one to end."""
        is_first = until < self.evidence_until
        if is_first:
            self.evidence_until = until
        return is_first

    # What it is

    def quiet_for(self, moment: Moment) -> int | None:
        """Returns for how long nothing has arrived while the centre was listening; `None`: it is not listening now."""
        listening = moment.listening_from
        return None if listening is None else moment.monotonic - max(self.quiet_from, listening)

    def catching_up_until(self, monotonic: int) -> int | None:
        """Returns until when (monotonic) to wait for late data of a gateway that came back; `None`: no need."""
        until = None if self.catch_up is None else self.catch_up.until
        return until if until is not None and until > monotonic else None

    def back_since(self, now: int, monotonic: int) -> int:
        """Returns since when (wall time) it is back, less `CAUGHT_UP_AFTER`, as its first batch takes a while."""
        return 0 if self.catch_up is None else now - (monotonic - self.catch_up.returned) - CAUGHT_UP_AFTER

    def behind_until(self, monotonic: int, offline_after: int) -> int | None:
        """Returns until when (monotonic) to wait for buffers that come oldest first; `None`: all have caught up.

        A buffer that came no nearer to now for `offline_after` is given up: its gateway is gone, or its clock is wrong.
        """
        until = max((each.since for each in self.buffers.values() if each.is_behind), default=-FOREVER) + offline_after
        return until if until > monotonic else None

    def up(self, now: int) -> None:
        """Something arrives."""
        if not self.is_online:
            self.state = Online(now)

    def down(self, now: int) -> None:
        """The last wills of all its gateways came."""
        if self.is_online:
            self.state = Offline(now)

    def lost(self, alert: OpenAlert, now: int) -> None:
        """Its `village_offline` is open."""
        self.state = Offline(now if self.is_online else self.state.since, alert)

    def back(self, now: int) -> OpenAlert | None:
        """Its `village_offline` is over for this village. Returns that alert."""
        alert = self.alert
        if alert is not None:
            self.absence = Absence(alert.id, alert.began_at, now)
            self.state = Offline(self.state.since)
        return alert

    def conclude(self, absence: Absence) -> dict[str, object] | None:
        """All that was buffered during the last absence has arrived. Returns the likely cause of the absence."""
        self.absence = None
        return absence.likely() if self.alert is None else None

    def settle(self) -> None:
        """This village's return ended the alert of its last absence."""
        if self.absence is not None:
            self.absence = replace(self.absence, settled=True)

    # For the database

    def take_changed(self) -> bool:
        """Returns True if its row is another than at the last call."""
        told, self._told = self._told, self.state
        return (type(told), told.since) != (type(self.state), self.state.since)

    def row(self) -> LinkRow:
        """Returns its columns in `village_state`."""
        return LinkRow("online" if self.is_online else "offline", self.state.since, self.last_arrival)

    def restore(self, link: str, since: int | None, last_arrival: int | None) -> None:
        """Take over its columns in `village_state`. Nothing has arrived at this engine yet."""
        self.last_arrival = max(self.last_arrival or 0, last_arrival or 0) or None
        since = self.listening_since if since is None else since
        self.state = self._told = Online(since) if link == "online" else Offline(since)
        self.forget_arrivals()

    def forget_arrivals(self) -> None:
        """Nothing has arrived at this engine yet. What was replayed had arrived at the one before."""
        self.has_arrived = False

    def listens_since(self, since: int) -> None:
        """The centre has been listening to it since `since`."""
        self.listening_since = since

    def restore_buffers(self, buffers: Mapping[tuple[str, str], Buffered], absence: Absence | None) -> None:
        """Take over what a snapshot says."""
        self.buffers, self.absence = dict(buffers), absence
