"""The timeline: turns observations into spans. The only place where a facility's state is decided.

Live state, corrected history, day verdicts, availability and reports all come from `judge`.

The algorithm: every input becomes a *lane* of *steps*; a step is a value from a moment on (`signal_state`). The inputs
are: the schedule, whether the gateway is heard, whether an excuse applies, whether each device is silent, and each of
its signals. A sweep takes the steps in order of time. Between two steps nothing changes, so the state follows from the
current values alone (`facility_state`). Equal neighbours become one span.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from operator import itemgetter

from siaga.model.capabilities import can_give
from siaga.model.clock import SECOND
from siaga.model.indicators import INDICATORS, POWER, EventWithin, evidence_signals, terms
from siaga.model.intervals import Interval, clip, intersect, merge, stretches, subtract
from siaga.model.local_time import local_moment
from siaga.model.signals import SIGNALS
from siaga.model.sites import Device, Facility, Village
from siaga.timeline.dark import gateways_of
from siaga.timeline.device_evidence import speaking, voices
from siaga.timeline.evidence import Evidence
from siaga.timeline.facility_state import VILLAGE_OFFLINE, DeviceSays, facility_state
from siaga.timeline.schedule import parse_schedule, required
from siaga.timeline.signal_state import UNASKED, Said, Step, last_wills, runs
from siaga.timeline.spans import PlannedWork, Span, State

__all__ = [
    "GATEWAY_HEARD",
    "Evidence",
    "Interval",
    "PlannedWork",
    "Span",
    "State",
    "Window",
    "gateway_heard",
    "judge",
    "judged_from",
    "participants",
    "reach",
    "without_mains",
]

Window = tuple[int, int]
"""The half-open period that is judged, in ms."""

GATEWAY_HEARD = 90 * SECOND
"""How long a gateway is heard from each `alive`, ms: three heartbeat intervals (contract, section 5)."""


def reach(village: Village, facility: Facility) -> int:
    """Returns how long an observation can affect this facility: the longest validity or event interval, ms."""
    indicator = INDICATORS.get(facility.kind)
    wanted = indicator.sensed.evidence if indicator is not None and indicator.sensed is not None else ()
    holds = [device.validity for device in _mains_devices(village, facility)]
    holds += [item.interval for item in wanted if isinstance(item, EventWithin)]
    return max([GATEWAY_HEARD, *holds])


def judged_from(village: Village, facility: Facility, evidence: Evidence) -> int | None:
    """Returns from when the facility is judged, ms: its `since`, else its first reading.

    If no device can give evidence, it is judged from the village's `told` at the latest. `None`: nothing was ever heard
    of it.
    """
    if facility.since is not None:
        return local_moment(facility.since, 0, village.timezone)
    first, tracks = evidence.first, evidence.tracks
    keys = [(device.id, signal) for device in facility.devices for signal in SIGNALS]
    reports = [evidence.first_report(*key) for key in keys if key in first or key in tracks]
    if not participants(facility):
        reports.append(village.told)
    return min((report for report in reports if report is not None), default=None)


def participants(facility: Facility) -> list[Device]:
    """Returns the facility's devices that can give a signal of its indicator, by default or by map (rule 2)."""
    wanted = evidence_signals(facility.kind)
    return [device for device in facility.devices if not wanted.isdisjoint(can_give(device, facility.kind))]


def gateway_heard(village: Village, evidence: Evidence, window: Window) -> list[Interval]:
    """Returns when, within the window, one of the village's gateways is heard."""
    start, end = window
    covered: list[Interval] = []
    for gateway in gateways_of(village, evidence.tracks):
        track = evidence.tracks[gateway, "alive"]
        covered += stretches(track.between(start - GATEWAY_HEARD + 1, end).times, GATEWAY_HEARD)
    return clip(merge(covered), start, end)


def without_mains(village: Village, facility: Facility, evidence: Evidence, window: Window) -> list[Interval]:
    """Returns when, within the window, the facility was without mains power.

    Its own devices say so, and those of the village's `power` facilities.
    """
    start, end = window
    off: list[Interval] = []
    for device in _mains_devices(village, facility):
        track = evidence.tracks.get((device.id, "mains"))
        if track is not None:
            part = track.between(start - device.validity + 1, end)
            wills = last_wills(evidence.tracks.get((device.id, "online")), start - device.validity + 1, end)
            off += [(low, high) for low, high, on in runs(part.times, part.values, device.validity, wills) if not on]
    return clip(merge(off), start, end)


def judge(
    village: Village, facility: Facility, evidence: Evidence, window: Window, planned: Sequence[PlannedWork] = ()
) -> list[Span]:
    """Returns the facility's spans over `window`, in order, without gap or overlap. Neighbours differ.

    `planned`: maintenance windows, which excuse. The window may reach into the future. Those spans assume that nothing
    more is heard, so the end of the span at `now` is the next instant at which time alone changes the state.
    """
    start, end = window
    if start >= end:
        return []
    indicator, held_to = INDICATORS.get(facility.kind), terms(facility)
    begins = judged_from(village, facility, evidence) if indicator is not None else None
    if indicator is None or held_to is None or begins is None or begins >= end:
        return [Span(start, end, State.NOT_REQUIRED)]
    asked = required(parse_schedule(held_to.schedule), village, max(start, begins), end)
    mains_out = without_mains(village, facility, evidence, window)
    in_time = merge([*mains_out, *((max(work.start, work.declared), work.end) for work in planned)])
    excuses = merge([*mains_out, *((work.start, work.end) for work in planned)])
    heard_in = gateway_heard(village, evidence, window)
    conditions = [asked, *(intersect(asked, one) for one in (heard_in, excuses, subtract(excuses, in_time)))]
    sensed = indicator.sensed
    taking_part = participants(facility) if sensed is not None else []
    devices = [voices(sensed, device, evidence, window) for device in taking_part] if sensed is not None else []
    heard = [_as_steps(speaking(device, evidence, window), window) for device in taking_part]

    def decide(said: tuple[Said, ...]) -> _Verdict:
        required_now, heard_now, excused_now, later_now = said[: len(conditions)]
        if not required_now:
            return State.NOT_REQUIRED, None, False, False
        if not heard_now:
            return State.UNKNOWN, VILLAGE_OFFLINE, bool(excused_now), bool(later_now)
        of_devices = said[len(conditions) :]
        speaks, answers = of_devices[: len(heard)], iter(of_devices[len(heard) :])
        answered = [
            DeviceSays([(name, it) for name, _ in device if (it := next(answers)) != UNASKED], silent=not speaks_now)
            for device, speaks_now in zip(devices, speaks, strict=True)
        ]
        rule = sensed.rule if sensed is not None else ""
        state, cause = facility_state(rule, facility.needs, held_to.silence, answered)
        misses = state is not State.MET
        return state, cause, bool(excused_now) and misses, bool(later_now) and misses

    lanes = [_as_steps(condition, window) for condition in conditions]
    return _sweep([*lanes, *heard, *(said for device in devices for _, said in device)], decide, end)


_Verdict = tuple[State, str | None, bool, bool]
"""State, cause, excused, excused later."""


def _sweep(lanes: Sequence[Sequence[Step]], decide: Callable[[tuple[Said, ...]], _Verdict], end: int) -> list[Span]:
    """Returns the spans of a sweep over the steps of all lanes, in order of time.

    Every lane has a step at the window's start. The same values recur often, so their verdicts are cached.
    """
    changes = [(time, lane, said) for lane, found in enumerate(lanes) for time, said in found]
    changes.sort(key=itemgetter(0))
    saying: list[Said] = [None] * len(lanes)
    known: dict[tuple[Said, ...], _Verdict] = {}
    spans: list[Span] = []
    since, verdict = changes[0][0], None
    for time, together in groupby(changes, key=itemgetter(0)):
        for _, lane, said in together:
            saying[lane] = said
        said_now = tuple(saying)
        now = known.get(said_now)
        if now is None:
            now = known[said_now] = decide(said_now)
        if now != verdict:
            if verdict is not None:
                spans.append(Span(since, time, *verdict))
            since, verdict = time, now
    if verdict is not None:
        spans.append(Span(since, end, *verdict))
    return spans


def _as_steps(intervals: Iterable[Interval], window: Window) -> list[Step]:
    """Returns steps that are true inside the intervals, and false outside."""
    found: list[Step] = [(window[0], False)]
    for start, end in intervals:
        found += [(start, True), (end, False)]
    return [step for step in found if step[0] < window[1]]


def _mains_devices(village: Village, facility: Facility) -> list[Device]:
    """Returns the devices whose `mains` can excuse the facility: its own, and those of `power` facilities."""
    others = [other for other in village.facilities if other.kind == POWER and other.id != facility.id]
    return [device for place in (facility, *others) for device in place.devices]
