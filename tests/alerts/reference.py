"""The alerts of a history, by a reference that sees the whole truth: section 5 of the contract, second by second.

It keeps nothing, has no memory, no deadlines and no database, and is never replaced. What it is given: the states of
the facilities, judged from all that was said (`tests/timeline` holds that judge against one by brute force); while the
village is cut off, from all that had arrived before. An alert is what a technician was told: kind, subject, when it
began and when it was over.

Where it matters by how many seconds something was longer or shorter than the contract's figure, jitter decides and no
reference can say: `Slack` moves the figures. What is told with all of them has to be told, and what is told with none
of them must not be.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from siaga.model.clock import DAY, HOUR, MINUTE, SECOND
from siaga.model.indicators import POWER, terms
from siaga.model.intervals import stretches
from siaga.model.observation import Reading
from siaga.model.sites import Device, Facility
from siaga.timeline.judge import Evidence, Span, State, judge, judged_from
from tests.alerts.histories import Episode, Health, History
from tests.alerts.world import CODE
from tests.timeline.scenarios import tracks_of

__all__ = ["NOBODY", "SLACKS", "Reference", "Slack", "Told", "Views"]

Told = tuple[str, str, int, int | None]
"""Kind, subject, when it began, when it was over."""
NOBODY = -1
"""Began when nobody can say: seconds before it would have been true it was over."""
STEP = 5 * SECOND
HEARD = 90 * SECOND
MARKS = 24 * SECOND
"""How often an engine leaves word of what arrived, as these histories have it, and a moment more."""
SILENT_MARGIN = 10 * MINUTE
OFTEN, WITHIN, CALM = 4, HOUR, 30 * MINUTE
"""An alert that was raised so often within an hour is held open until its cause has been over for so long."""


@dataclass(frozen=True, slots=True)
class Slack:
    """By how much what is waited for is moved, and recovery; how long nobody is told after a gateway or the engine is
    back; how much of what arrived last an engine forgets that is killed. All in ms."""

    waits: int
    recovers: int
    calm: int
    forgets: int


SLACKS = [
    Slack(waits * SECOND, recovers * SECOND, calm * SECOND, forgets * SECOND)
    for waits, recovers, calm, forgets in [
        (0, 0, 0, 0),
        (-10, 0, 0, 0),  # what ends a failure is on its way for seconds: one as long as its grace may be told
        (-40, -20, 0, 4),
        (-40, -20, 90, 8),
        (-40, 20, 90, 12),
        (40, -20, 0, 16),
        (40, 20, 0, 20),
        (40, 20, 90, 24),
    ]
]


@dataclass
class View:
    """What is known at some time: the spans of each facility, the reports of each device, the gateway's heartbeats."""

    history: History
    readings: list[Reading]

    @cached_property
    def spans(self) -> dict[str, list[Span]]:
        evidence = Evidence(tracks_of(self.readings))
        found = {}
        for facility in self.history.village.facilities:
            begins = judged_from(self.history.village, facility, evidence)
            if facility.kind != POWER and begins is not None:
                found[facility.id] = judge(self.history.village, facility, evidence, (begins, self.history.end + HOUR))
        return found

    @cached_property
    def heard(self) -> list[tuple[int, int]]:
        """The stretches in which the gateway is heard."""
        return stretches(sorted({reading.time for reading in self.readings if reading.signal == "alive"}), HEARD)

    @cached_property
    def reports(self) -> dict[str, list[int]]:
        found: dict[str, set[int]] = {}
        for reading in self.readings:
            if reading.signal not in ("alive", "online"):
                found.setdefault(reading.device, set()).add(reading.time)
        return {device: sorted(times) for device, times in found.items()}

    @cached_property
    def given(self) -> dict[str, list[int]]:
        """When each device said something that its facility is judged by."""
        found: dict[str, set[int]] = {}
        for reading in self.readings:
            if reading.signal not in ("alive", "online", "heard", "battery"):
                found.setdefault(reading.device, set()).add(reading.time)
        return {device: sorted(times) for device, times in found.items()}

    def run(self, facility: str, now: int) -> int | None:
        """Since when a facility fails unexcused, without a break, at `now`."""
        spans = self.spans[facility]
        index = bisect_right(spans, now, key=lambda span: span.start) - 1
        began = None
        while index >= 0 and spans[index].state is State.FAILED and not spans[index].excused:
            began = spans[index].start
            index -= 1
        return began

    def met_for(self, facility: str, recovery: int, after: int, now: int) -> int | None:
        """Where a facility was met for `recovery` first, after a moment and until `now`: where that began."""
        for span in self.spans[facility]:
            start = max(span.start, after)
            if span.state is State.MET and span.end > after and min(span.end, now) - start >= recovery:
                return start
        return None

    def run_ends(self, facility: str, now: int) -> int:
        """Until when a facility that fails at `now` goes on to do so."""
        spans = self.spans[facility]
        index = bisect_right(spans, now, key=lambda span: span.start) - 1
        while index + 1 < len(spans) and spans[index + 1].state is State.FAILED and not spans[index + 1].excused:
            index += 1
        return spans[index].end

    def below(self, facility: str, end: int, target: int, more: int = 0) -> bool:
        """Whether `availability_high` of the 24 hours before `end` is below `target` per cent, had it failed `more`."""
        counted, failed = DAY, more  # what was before the first judgement counts as met
        for span in self.spans[facility]:
            length = min(span.end, end) - max(span.start, end - DAY)
            if length <= 0:
                continue
            if span.state is State.NOT_REQUIRED or span.excused:
                counted -= length
            elif span.state is State.FAILED:
                failed += length
        return 100 * (counted - failed) < target * counted

    def heard_from(self, now: int) -> int | None:
        """Since when the gateway is heard, at `now`."""
        index = bisect_right(self.heard, (now, self.history.end)) - 1
        return self.heard[index][0] if index >= 0 and now < self.heard[index][1] else None


class Views:
    """What is known in the course of a history."""

    def __init__(self, history: History) -> None:
        self._whole = View(history, [one for _, batch in history.arrivals for one in batch])
        self._before_cuts = [
            (
                cut.start,
                cut.end,
                View(history, [one for at, batch in history.arrivals if at <= cut.start for one in batch]),
            )
            for cut in history.during("cut")
        ]

    def at(self, now: int) -> View:
        """While the village is cut off, what had arrived before; else all that comes to be known by the end."""
        return next((view for start, end, view in self._before_cuts if start <= now < end), self._whole)


@dataclass
class Reference:
    """The alerts of one history."""

    history: History
    views: Views
    slack: Slack

    def alerts(self) -> list[Told]:
        """All that technicians were told by the end of the history, in order."""
        village, found = self.history.village, [*self._offline(), *self._full()]
        for facility in village.facilities:
            if facility.kind != POWER:
                found += self._failed(facility)
                found += self._missed(facility)
            for device in facility.devices:
                found += self._silent(device)
                if facility.kind != POWER:
                    found += self._mute(device)
                found += self._skewed(device)
        return sorted(found, key=lambda told: (told[0], told[1], told[2]))

    # What is known when

    @cached_property
    def _moments(self) -> list[tuple[int, View, bool]]:
        """When the engine is there, what it knows then, and whether it tells; when it tells is not compared."""
        hears = [at for at, _ in self.history.health]
        return [
            (now, self.views.at(now), not self._muted(now))
            for now in sorted({*range(self.history.start, self.history.end, STEP), *hears})
            if not any(away.holds(now) for away in self._away)
        ]

    @cached_property
    def _away(self) -> list[Episode]:
        return self.history.during("engine")

    @cached_property
    def _hears(self) -> list[int]:
        """When something arrives that the engine is there to hear; at the instant at which it is back it is not yet."""
        gone = [(away.start, away.end) for away in self._away if away.end > away.start]
        return [at for at, _ in self.history.arrivals if not any(start <= at <= end for start, end in gone)]

    @cached_property
    def _outages(self) -> list[tuple[int, int, int | None]]:
        """When nothing arrived for too long: since when, when that was told, and when something came again."""
        found = []
        for last, then in zip(self._hears, [*self._hears[1:], None], strict=True):
            until = self.history.end if then is None else then
            # The centre's own absence does not count: it hears from `last` on, and anew after each absence
            hears = [last, *(each.end for each in self._away if last < each.end < until)]
            leaves = [*(each.start for each in self._away if last < each.end < until), until]
            waits = self.history.village.offline_after + self.slack.waits
            told = next(
                (at + waits for at, leaves_at in zip(hears, leaves, strict=True) if at + waits < leaves_at), None
            )
            if told is not None:
                found.append((last, told, then))
        return found

    @cached_property
    def _calm(self) -> list[tuple[int, int]]:
        backs = [each.end for each in self.history.during("cut", "dark", "engine")]
        backs += [then for _, _, then in self._outages if then is not None]
        return [(back, back + self.slack.calm) for back in backs]

    def _muted(self, now: int) -> bool:
        """Whether the village is offline, or back so shortly that it may not have said all."""
        offline = any(told <= now and (then is None or now < then) for _, told, then in self._outages)
        return offline or any(start <= now < end for start, end in self._calm)

    # The kinds

    def _offline(self) -> Iterable[Told]:
        return [("village_offline", CODE, self._remembered(last), then) for last, _, then in self._outages]

    def _remembered(self, last: int) -> int:
        """What an engine that is killed leaves as the last arrival: one of shortly before."""
        gone = next((away.start for away in self._away if last <= away.start < last + MARKS), None)
        if gone is None or not self.slack.forgets:
            return last
        return max((at for at in self._hears if at <= gone - self.slack.forgets), default=last)

    def _failed(self, facility: Facility) -> list[Told]:
        """Failed and not excused for longer than `grace`; cleared after `met` for `recovery`."""
        held_to = terms(facility)
        assert held_to is not None
        grace, recovery = held_to.grace + self.slack.waits, held_to.recovery + self.slack.recovers

        def over(view: View, began: int, now: int, calm: int) -> int | None:
            return view.met_for(facility.id, max(recovery, calm), began, now)

        def fails(view: View, now: int) -> int | None:
            began = view.run(facility.id, now)
            return began if began is not None and now - began > grace else None

        return self._told("facility_failed", facility.id, fails, over, lambda view, now: view.run(facility.id, now))

    def _missed(self, facility: Facility) -> list[Told]:
        """`availability_high` of the last 24 hours below target, told while it fails; it comes back after a day."""

        def below(view: View, now: int) -> int | None:
            if view.run(facility.id, now) is None or not view.below(facility.id, now, 99, self.slack.waits):
                return None
            at = now
            while not view.below(facility.id, at, 99):
                at = min(at + STEP, view.run_ends(facility.id, now))
                if at == view.run_ends(facility.id, now) and not view.below(facility.id, at, 99):
                    return NOBODY
            return _since(lambda time: view.below(facility.id, time, 99), self.history.start, at)

        return self._told("indicator_missed", facility.id, below, lambda *_: None, lambda *_: None)

    def _silent(self, device: Device) -> list[Told]:
        """Not reported for 3 x `every` + 10 m, nor for 3 x `every` since its gateway is heard again."""
        allowed = 3 * device.every + SILENT_MARGIN + self.slack.waits

        def silent(view: View, now: int) -> int | None:
            reports = view.reports.get(device.id, [])
            last = bisect_right(reports, now) - 1
            began = reports[last] if last >= 0 else self.history.start
            if now < began + allowed or (heard_from := view.heard_from(now)) is None:
                return None
            if view.heard[0][0] < heard_from and now < heard_from + 3 * device.every + self.slack.waits:
                return None
            return began

        def over(view: View, began: int, now: int, calm: int) -> int | None:
            return self._comes_again(view.reports.get(device.id, []), allowed, began, now, calm)

        return self._told("device_silent", device.id, silent, over, lambda *_: None)

    def _mute(self, device: Device) -> list[Told]:
        """It reports, and for 3 x `every` + 10 m nothing that its facility is judged by; gateways as for silence."""
        waits = 3 * device.every + self.slack.waits
        allowed = waits + SILENT_MARGIN

        def mute(view: View, now: int) -> int | None:
            reports, given = view.reports.get(device.id, []), view.given.get(device.id, [])
            reported, gave = bisect_right(reports, now) - 1, bisect_right(given, now) - 1
            began = given[gave] if gave >= 0 else self.history.start
            if now < began + allowed or reported < 0 or reports[reported] <= began or now - reports[reported] >= waits:
                return None
            heard_from = view.heard_from(now)
            if heard_from is None or (view.heard[0][0] < heard_from and now < heard_from + waits):
                return None
            return began

        def over(view: View, began: int, now: int, calm: int) -> int | None:
            return self._comes_again(view.given.get(device.id, []), allowed, began, now, calm)

        return self._told("no_evidence", device.id, mute, over, lambda *_: None)

    def _comes_again(self, times: list[int], allowed: int, began: int, now: int, calm: int) -> int | None:
        """Where the last stretch begins in which something came again after `began` that may pause for `allowed`."""
        first, end = bisect_right(times, began), bisect_right(times, now)
        if first == end or now - times[end - 1] >= allowed:
            return None
        while (pause := _pause(times[first:end], allowed)) is not None:
            first += pause
        return times[first] if now >= times[first] + calm else None

    def _full(self) -> list[Told]:
        """Its buffer is over 80 % full, from when the engine hears it."""

        def full(_: View, now: int) -> int | None:
            return self._heard_since(lambda health: health.full, now)

        def over(_: View, began: int, now: int, calm: int) -> int | None:
            return _after(self._heard_since(lambda health: not health.full, now), began, now, calm)

        return self._told("gateway_buffer", "gw", full, over, lambda *_: None)

    def _skewed(self, device: Device) -> list[Told]:
        """Its clock is not trusted, from when its gateway says."""
        if not any(device.id in health.skewed for _, health in self.history.health):
            return []

        def skewed(_: View, now: int) -> int | None:
            said = [health for at, health in self.history.health if at <= now][-1:]
            return next((health.skewed[device.id] for health in said if device.id in health.skewed), None)

        def over(_: View, began: int, now: int, calm: int) -> int | None:
            return _after(self._heard_since(lambda health: device.id not in health.skewed, now), began, now, calm)

        return self._told("clock_skew", device.id, skewed, over, lambda *_: None)

    def _heard_since(self, holds: Callable[[Health], bool], now: int) -> int | None:
        """Since when the engine of now has heard that something is so; a new one hears at once what was said last."""
        since = None
        for at, health in self.history.health:
            if at > now:
                break
            since = None if not holds(health) else at if since is None else since
        return None if since is None else max([since, *(away.end for away in self._away if away.end <= now)])

    def _told(
        self,
        kind: str,
        subject: str,
        since: Callable[[View, int], int | None],
        over: Callable[[View, int, int, int], int | None],
        earlier: Callable[[View, int], int | None],
    ) -> list[Told]:
        """One subject through time: `since` when it is to be told, when it is `over`, and since when `earlier`."""
        found: list[Told] = []
        began: int | None = None
        raised: list[int] = []
        calm = 0
        for now, view, tells in self._moments:
            while True:
                if began is None:
                    began = since(view, now) if tells else None
                    if began is None:
                        break
                    raised.append(now)
                    calm = 0
                ended = over(view, began, now, calm)
                if ended is not None and calm == 0 and self._flaps(raised, now):
                    calm = CALM + self.slack.waits
                    continue
                if ended is None:
                    began = min(began, known) if (known := earlier(view, now)) is not None else began
                    break
                found.append((kind, f"{CODE}/{subject}", began, ended))
                began = None
        if began is not None:
            found.append((kind, f"{CODE}/{subject}", began, None))
        return found

    def _flaps(self, raised: list[int], now: int) -> bool:
        return sum(at > now - WITHIN - self.slack.waits for at in raised) >= OFTEN


def _after(over: int | None, began: int, now: int, calm: int) -> int | None:
    """When something was over that began then, if it has been so for long enough."""
    return max(over, began) if over is not None and now >= max(over, began) + calm else None


def _pause(reports: list[int], allowed: int) -> int | None:
    """The place of the first report that comes after a pause in which its device was silent."""
    return next((n for n in range(1, len(reports)) if reports[n] - reports[n - 1] >= allowed), None)


def _since(holds: Callable[[int], bool], begin: int, now: int) -> int:
    """The first instant of the unbroken stretch until `now` in which something holds, found by seconds."""
    second = now
    while second > begin and holds(second - SECOND):
        second -= SECOND
    return second - SECOND + bisect_left(range(SECOND), True, key=lambda more: holds(second - SECOND + more))
