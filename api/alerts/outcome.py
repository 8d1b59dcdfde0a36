"""What a village's verbs return: what they changed and decided. The engine merges, commits and acts on it.

All of it is committed together: no alert without the span that it rests on, no event without its alert. While the
database is away it waits, and grows only with real changes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from api.alert_records.alert import Changed, OpenAlert, Opened
from api.alerts.decision import Raise
from api.alerts.subject import Subject
from siaga.model.alert_kinds import Kind
from siaga.model.intervals import Interval
from siaga.model.observation import TrackKey
from siaga.model.sites import Facility, Village
from siaga.timeline.dark import Darkness
from siaga.timeline.judge import Span
from siaga.timeline.span_algebra import Difference

__all__ = ["Back", "Changes", "Correction", "Fold", "Outcome"]


@dataclass(frozen=True, slots=True)
class Fold:
    """A village's snapshot, saved at wall time `saved`; it replaces the inbox's rows up to a number."""

    upto: int
    saved: int
    state: bytes


@dataclass(frozen=True, slots=True)
class Correction:
    """Live evidence changed a facility's spans from `start` to `end`, on days that are over."""

    village: Village
    facility: Facility
    start: int
    end: int


@dataclass(slots=True)
class Changes:
    """What has changed since the last commit.

    `spans`: by facility and start (`None`: delete the span). `mains`: by village, its facilities without mains power.
    `waits`: by village, which alerts wait, and why. `rewritten`: by facility, the stretch of the past that is judged
    otherwise now; issued reports are compared with it. `dark`: by village, what is dark, in the order in which that
    was found. `snapshots`: villages whose snapshot is to be written with it, not a while later.
    """

    spans: dict[tuple[str, str], dict[int, Span | None]] = field(default_factory=dict)
    corrections: dict[tuple[str, str], Correction] = field(default_factory=dict)
    mains: dict[str, list[str]] = field(default_factory=dict)
    waits: dict[str, list[dict[str, object]]] = field(default_factory=dict)
    first: dict[tuple[str, TrackKey], int] = field(default_factory=dict)
    links: dict[str, dict[str, object]] = field(default_factory=dict)
    alerts: list[Opened | Changed] = field(default_factory=list)
    rewritten: dict[tuple[str, str], Interval] = field(default_factory=dict)
    dark: dict[str, list[Darkness]] = field(default_factory=dict)
    snapshots: dict[str, None] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.spans or self.first or self.links or self.mains or self.waits or self.alerts or self.dark)

    def merge(self, later: "Changes") -> None:
        """Add what changed later."""
        for key, spans in later.spans.items():
            self.spans.setdefault(key, {}).update(spans)
        for correction in later.corrections.values():
            self.corrected(correction)
        self.mains.update(later.mains)
        self.waits.update(later.waits)
        self.first.update(later.first)
        self.links.update(later.links)
        for change in later.alerts:
            self._add(change)
        for (village, facility), stretch in later.rewritten.items():
            self.past_changed(village, facility, stretch)
        for village, found in later.dark.items():
            self.dark.setdefault(village, []).extend(found)
        self.snapshots.update(later.snapshots)

    def reported_first(self, village: str, key: TrackKey, time: int) -> None:
        """Add when a signal was first reported."""
        self.first[village, key] = time

    def found_dark(self, village: str, found: Darkness) -> None:
        """Add what of a window is dark."""
        self.dark.setdefault(village, []).append(found)

    def mains_out(self, village: str, facilities: list[str]) -> None:
        """Add which facilities of a village are without mains power now."""
        self.mains[village] = facilities

    def waiting(self, village: str, alerts: list[dict[str, object]]) -> None:
        """Add which alerts of a village wait now, and why."""
        self.waits[village] = alerts

    def corrected(self, correction: Correction) -> None:
        """Add a correction of days that are over."""
        key = (correction.village.code, correction.facility.id)
        known = self.corrections.get(key)
        start = correction.start if known is None else min(correction.start, known.start)
        self.corrections[key] = Correction(correction.village, correction.facility, start, correction.end)

    def spans_changed(self, village: str, facility: str, change: Difference) -> None:
        """Add what turns the old spans of a facility into the new."""
        mine = self.spans.setdefault((village, facility), {})
        mine.update(dict.fromkeys(change.deleted))
        mine.update({span.start: span for span in change.written})

    def past_changed(self, village: str, facility: str, stretch: Interval) -> None:
        """Add a stretch of the past that is judged otherwise now."""
        known = self.rewritten.get((village, facility), stretch)
        self.rewritten[village, facility] = min(known[0], stretch[0]), max(known[1], stretch[1])

    def raised(self, alert: OpenAlert, decision: Raise, now: int) -> None:
        """Open an alert at wall time `now`."""
        alert.show({**decision.evidence, "reason": decision.reason})
        self.alerts.append(Opened(alert, now, decision.cause))

    def opened(self, kind: str) -> list[OpenAlert]:
        """Returns the alerts of a kind that are to be opened."""
        return [each.alert for each in self.alerts if isinstance(each, Opened) and each.alert.kind == kind]

    def taken_out(self, alert: OpenAlert, now: int) -> None:
        """Close an open alert whose subject is no longer in the registry. Nobody knows whether it is repaired."""
        alert.show({"taken_out": True})
        self.cleared(alert, now, now)

    def cleared(self, alert: OpenAlert, ended_at: int, now: int) -> None:
        """Close an open alert at wall time `now`."""
        values: dict[str, object] = {"ended_at": ended_at, "cleared_at": now, "evidence": dict(alert.evidence)}
        self.alerts.append(Changed(alert.id, "cleared", now, values, members=dict(alert.members)))
        self._note_ended(alert)

    def began_earlier(self, alert: OpenAlert, now: int) -> None:
        """Late data showed when an open alert really began. Its `began_at` is set already."""
        self._add(Changed(alert.id, "updated", now, {"began_at": alert.began_at}))

    def redated(self, alert: OpenAlert, times: Interval, now: int) -> None:
        """Late data showed when an alert that has cleared began and ended."""
        self._add(Changed(alert.id, "updated", now, {"began_at": times[0], "ended_at": times[1]}, settled=True))
        self._note_ended(alert)

    def _note_ended(self, alert: OpenAlert) -> None:
        """The end of an alert was said, or corrected: a successor has to know of it to correct it (`redating.py`)."""
        if alert.kind == Kind.FACILITY_FAILED:
            self.snapshots[alert.village] = None

    def explained(self, alert: str, said: Mapping[str, object], now: int) -> None:
        """Add what was found out about an alert that has cleared."""
        self.alerts.append(Changed(alert, "updated", now, {}, settled=True, explains=said))

    def told_more(self, alert: OpenAlert, now: int, *, worse: bool = False) -> None:
        """The evidence of an alert has grown. `worse`: whoever acknowledged it could not know that."""
        values: dict[str, object] = {
            "began_at": alert.began_at,
            "evidence": dict(alert.evidence),
            "flapping": alert.flapping,
        }
        if worse:
            values |= {"acknowledged_at": None, "acknowledged_by": None}
        self._add(Changed(alert.id, "updated", now, values, members=dict(alert.members)))

    def _add(self, new: Opened | Changed) -> None:
        """Add a change. Updates of one alert in a row make one event, and updates before its first commit make none."""
        if isinstance(new, Changed) and new.event == "updated" and not new.explains:
            for change in reversed(self.alerts):
                if isinstance(change, Opened):
                    if change.alert.id == new.id:
                        return
                elif change.id == new.id:
                    if change.event != "updated" or change.settled != new.settled or change.explains:
                        break
                    change.values.update(new.values)
                    change.members.update(new.members)
                    return
        self.alerts.append(new)


@dataclass(frozen=True, slots=True)
class Back:
    """Something arrived again, at `ended_at`, from a village whose `village_offline` is open. Or it was `taken_out`."""

    alert: OpenAlert
    ended_at: int
    taken_out: bool = False


@dataclass(slots=True)
class Outcome:
    """What one verb of a village came to.

    `changes`: what is to be committed; `has_changes`: whether there is anything, as for most messages there is not.
    `deadlines`: who is to be looked at next, and when. `lost`: nothing arrives from the village any more. `back`: it
    does again. `arrivals_since`: from when on (wall time) the collector's notes of late data are to be read. `keeps`:
    what was taken is to be kept for a successor. `late`: how many readings came too late for memory; `overflown`:
    others were let go for them.
    """

    deadlines: list[tuple[Subject, int]] = field(default_factory=list)
    lost: Raise | None = None
    back: Back | None = None
    arrivals_since: int | None = None
    keeps: bool = False
    late: int = 0
    overflown: bool = False
    _changes: Changes | None = None

    @property
    def has_changes(self) -> bool:
        """Whether there is anything in `changes`."""
        return self._changes is not None

    @property
    def changes(self) -> Changes:
        """What is to be committed."""
        if self._changes is None:
            self._changes = Changes()
        return self._changes

    def ask(self, subject: Subject, time: int | None) -> None:
        """Have a subject looked at, at `time` or before; `None`: no need."""
        if time is not None:
            self.deadlines.append((subject, time))

    def ask_all(self, subjects: Iterable[Subject], time: int) -> None:
        """Have all of these looked at, at `time` or before."""
        self.deadlines.extend((subject, time) for subject in subjects)
