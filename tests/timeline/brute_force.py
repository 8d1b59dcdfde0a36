"""The brute-force judge: section 5 of the contract evaluated second by second, slow and obvious.

The real judge is tested against it, so they share no code but the dataclasses of sites, observations and answers. It
evaluates every second from all observations, and remembers nothing from the second before. Logic is done on numbers:
false 0, not known ½, true 1; "and" is the minimum, "or" the maximum. Event times have to be whole seconds.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache, cached_property
from zoneinfo import ZoneInfo

from astral import Observer, SunDirection
from astral.sun import time_at_elevation

from siaga.model.observation import Reading
from siaga.model.sites import Device, Facility, Village
from siaga.timeline.spans import Span, State

FALSE, NOT_KNOWN, TRUE = 0.0, 0.5, 1.0

RULES = {
    "free_wifi": ("and", ["wifi_up", "wifi_open", "internet"]),
    "night_guard": ("or", ["checkin", "presence"]),
    "gate": ("and", ["gate_open"]),
    "office_lighting": ("else", ["lamp_on", "power", "illuminance"]),
    "toilet": ("and", ["cleaned", "nh3"]),
    "lactation_room": ("and", ["cleaned"]),
    "it_service": ("and", ["service_ok"]),
}
EVENT_HOLDS = {"checkin": 2 * 3600, "cleaned": 8 * 3600}
SCHEDULES = {"office_lighting": "night", "toilet": "office", "lactation_room": "office"}
SILENCE_MEANS_FAILED = {"free_wifi"}

UNDERSTOOD_EVERYWHERE = {
    "tasmota": {"power", "energy", "rssi", "illuminance", "online"},
    "shelly": {"power", "energy", "battery", "illuminance", "rssi", "online"},
    "zigbee2mqtt": {"presence", "illuminance", "battery", "power", "energy", "online"},
    "esphome": {"online"},
    "openwrt": {"clients"},
    "homie": {"online"},
    "probe": {"internet"},
}
UNDERSTOOD_IN = {
    "office_lighting": {"tasmota": {"lamp_on"}, "shelly": {"lamp_on"}, "zigbee2mqtt": {"lamp_on"}},
    "gate": {"shelly": {"gate_open"}, "zigbee2mqtt": {"gate_open"}},
    "free_wifi": {"probe": {"wifi_up"}},
    "it_service": {"probe": {"service_ok", "latency"}},
}
WEEK = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]


@dataclass(frozen=True)
class Instant:
    """What is true of a facility at one instant."""

    state: State
    cause: str | None
    excused: bool
    excused_later: bool


@dataclass(frozen=True)
class BruteForce:
    """All observations of a village, in the order in which they were stored, and one facility of it.

    An instant costs little more with a long history than with a short one: only recent observations are examined.
    """

    village: Village
    facility: Facility
    readings: Sequence[Reading]
    planned: Sequence[tuple[int, int, int]] = ()
    """Maintenance: from when, until when, and when it was declared."""

    def spans(self, start: int, end: int, step: int = 1000) -> list[Span]:
        """Returns the spans of `[start, end)`, ms: consecutive equal seconds are one span.

        A longer `step` is exact if the window, all times and all durations, the sun's too, are multiples of it.
        """
        spans: list[Span] = []
        for time in range(start, end, step):
            now = self.at(time)
            if spans and now == Instant(spans[-1].state, spans[-1].cause, spans[-1].excused, spans[-1].excused_later):
                time_before = spans.pop().start
            else:
                time_before = time
            spans.append(Span(time_before, time + step, now.state, now.cause, now.excused, now.excused_later))
        return spans

    def at(self, time: int) -> Instant:
        """Returns the state at one instant, by the contract's rules in their order."""
        begins = self.judged_from
        if self.facility.kind == "power" or begins is None or time < begins or not self.scheduled(time):
            return Instant(State.NOT_REQUIRED, None, excused=False, excused_later=False)
        state, cause = self.required_state(time)
        if state not in {State.FAILED, State.UNKNOWN}:
            return Instant(state, cause, excused=False, excused_later=False)
        work = [declared for start, end, declared in self.planned if start <= time < end]
        mains_out = self.mains_out(time)
        later = bool(work) and not mains_out and all(time < declared for declared in work)
        return Instant(state, cause, mains_out or bool(work), later)

    def required_state(self, time: int) -> tuple[State, str | None]:
        if not self.gateway_heard(time):
            return State.UNKNOWN, "village_offline"
        devices = [device for device in self.facility.devices if self.takes_part(device)]
        if not devices:
            return State.UNKNOWN, "no_evidence"
        return self.devices_together(
            [self.evidence(device, time) for device in devices], [self.is_silent(device, time) for device in devices]
        )

    # --- rule 4 and 5: devices and signals combined, and the cause

    def devices_together(self, evidence: list[list[tuple[str, float]]], silent: list[bool]) -> tuple[State, str | None]:
        together = max if self.facility.needs.value == "any" else min
        gives_none = [all(value == NOT_KNOWN for _, value in signals) for signals in evidence]
        said = [
            NOT_KNOWN if nothing else self.by_indicator(signals)
            for nothing, signals in zip(gives_none, evidence, strict=True)
        ]
        silence_counts = [a and b for a, b in zip(silent, gives_none, strict=True)]
        meant = FALSE if self.silence_means_failed() else NOT_KNOWN
        taken = [meant if counts else value for counts, value in zip(silence_counts, said, strict=True)]
        result = together(taken)
        if result == TRUE:
            return State.MET, None
        if result == FALSE:
            if together(said) != FALSE:
                return State.FAILED, "device_silent"
            return State.FAILED, self.first_that_says(FALSE, said, evidence)
        if any(silence_counts) and meant == NOT_KNOWN:
            return State.UNKNOWN, "device_silent"
        if any(nothing and not quiet for nothing, quiet in zip(gives_none, silent, strict=True)):
            return State.UNKNOWN, "no_evidence"
        return State.UNKNOWN, self.first_that_says(NOT_KNOWN, taken, evidence)

    def is_silent(self, device: Device, time: int) -> bool:
        """Returns whether it sent no reading of its own for three intervals, or none since its last will."""
        latest = None
        for source, name in self.stored:
            if source == device.id and name != "online":
                for at, _ in self.observed(source, name, time, 3 * device.every):
                    latest = at if latest is None else max(latest, at)
        if latest is None:
            return True
        return any(not online for _, online in self.observed(device.id, "online", time, time - latest))

    def first_that_says(self, what: float, devices: list[float], evidence: list[list[tuple[str, float]]]) -> str:
        for device, signals in zip(devices, evidence, strict=True):
            if device == what:
                for name, value in signals:
                    if value == what:
                        return name
        raise AssertionError("no device says so")

    def by_indicator(self, signals: list[tuple[str, float]]) -> float:
        values = [value for _, value in signals]
        how, _ = RULES[self.facility.kind]
        if how == "and":
            return min(values)
        if how == "or":
            return max(values)
        for value in values:
            if value != NOT_KNOWN:
                return value
        return NOT_KNOWN

    def silence_means_failed(self) -> bool:
        if self.facility.silence is not None:
            return self.facility.silence.value == "failed"
        return self.facility.kind in SILENCE_MEANS_FAILED

    def evidence(self, device: Device, time: int) -> list[tuple[str, float]]:
        """Returns the signals that take part at this instant, in the indicator's order, and their values."""
        asked: list[tuple[str, float]] = []
        for signal in RULES[self.facility.kind][1]:
            if self.has_reported(device, signal, time):
                asked.append((signal, self.says(device, signal, time)))
            elif signal == "wifi_up":
                if self.has_reported(device, "online", time):
                    asked.append(("online", self.flag(device, "online", time)))
                else:  # "`wifi_up` or `online` at least"
                    asked.append(("wifi_up", NOT_KNOWN))
        return asked

    def says(self, device: Device, signal: str, time: int) -> float:
        if signal in EVENT_HOLDS:
            return self.event(device, signal, time)
        if signal in {"power", "illuminance", "nh3"}:
            number = self.holding(device, signal, time)
            if number is None:
                return NOT_KNOWN
            met = {"power": number > 2, "illuminance": number > 10, "nh3": number < 25}[signal]
            return TRUE if met else FALSE
        return self.flag(device, signal, time)

    def flag(self, device: Device, signal: str, time: int) -> float:
        value = self.holding(device, signal, time)
        if value is None:
            return NOT_KNOWN
        return TRUE if value else FALSE

    def event(self, device: Device, signal: str, time: int) -> float:
        if any(value for _, value in self.observed(device.id, signal, time, EVENT_HOLDS[signal] * 1000)):
            return TRUE
        for source, name in self.stored:
            if source == device.id and name != "online" and self.observed(source, name, time, 3 * device.every):
                return FALSE
        return NOT_KNOWN

    # --- validity

    def holding(self, device: Device, signal: str, time: int) -> float | None:
        """Returns the value that holds at this instant; `None` if it is not known."""
        held = self.observed(device.id, signal, time, 3 * device.every)
        if not held:
            return None
        at, value = held[-1]
        for will, online in self.observed(device.id, "online", time, 3 * device.every):
            if not online and at < will:
                return None
        return value

    def observed(self, device: str, signal: str, time: int, within: int) -> list[tuple[int, float]]:
        """Returns the observations up to this instant that are younger than `within` ms, in order."""
        stored = self.stored.get((device, signal), [])
        first = bisect_right(stored, (time - within, math.inf))
        return stored[first : bisect_right(stored, (time, math.inf), first)]

    @cached_property
    def stored(self) -> dict[tuple[str, str], list[tuple[int, float]]]:
        """Returns observations by device and signal, in order of event time; of two at one time the one stored last."""
        values: dict[tuple[str, str], dict[int, float]] = {}
        for reading in self.readings:
            values.setdefault((reading.device, reading.signal), {})[reading.time] = reading.value
        return {key: sorted(by_time.items()) for key, by_time in values.items()}

    def has_reported(self, device: Device, signal: str, time: int) -> bool:
        return (device.id, signal) in self.stored and self.stored[device.id, signal][0][0] <= time

    def gateway_heard(self, time: int) -> bool:
        ids = {device.id for facility in self.village.facilities for device in facility.devices}
        return any(
            name == "alive" and source not in ids and self.observed(source, name, time, 90_000)
            for source, name in self.stored
        )

    def dark(self) -> list[tuple[int, int]]:
        """Returns when no heartbeat holds: from the first one, or an earlier `since`, up to the newest one."""
        ids = {device.id for facility in self.village.facilities for device in facility.devices}
        beats = sorted({r.time for r in self.readings if r.signal == "alive" and r.device not in ids})
        if not beats:
            return []
        judged = [each for each in self.village.facilities if each.kind != "power" and each.since is not None]
        since = min([beats[0], *(replace(self, facility=each).judged_from or beats[0] for each in judged)])
        found = [(since, beats[0])] if since < beats[0] else []
        for time in range(beats[0], beats[-1], 1000):
            if self.gateway_heard(time):
                continue
            start = found.pop()[0] if found and found[-1][1] == time else time
            found.append((start, time + 1000))
        return found

    # --- who takes part, and from when

    def takes_part(self, device: Device) -> bool:
        if self.facility.kind not in RULES:
            return False
        wanted = {*RULES[self.facility.kind][1], *(["online"] if self.facility.kind == "free_wifi" else [])}
        family = device.adapter.value
        if family == "senml":
            return True
        by_default = UNDERSTOOD_EVERYWHERE.get(family, set()) | UNDERSTOOD_IN.get(self.facility.kind, {}).get(
            family, set()
        )
        return bool(wanted & (by_default | set(device.map.values())))

    @cached_property
    def judged_from(self) -> int | None:
        if self.facility.since is not None:
            midnight = datetime(
                self.facility.since.year,
                self.facility.since.month,
                self.facility.since.day,
                tzinfo=ZoneInfo(self.village.timezone),
            )
            return int(midnight.timestamp()) * 1000
        ids = {device.id for device in self.facility.devices}
        begins = [held[0][0] for (device, _), held in self.stored.items() if device in ids]
        if not any(self.takes_part(device) for device in self.facility.devices):
            begins.append(self.village.told)
        return min(begins, default=None)

    # --- excuses

    def mains_out(self, time: int) -> bool:
        power = [other for other in self.village.facilities if other.kind == "power"]
        return any(
            self.flag(device, "mains", time) == FALSE for place in [self.facility, *power] for device in place.devices
        )

    # --- the schedule

    def scheduled(self, time: int) -> bool:
        schedule = self.facility.schedule
        if schedule is None:
            schedule = SCHEDULES.get(self.facility.kind, "24h")
        entries = [schedule] if isinstance(schedule, str) else schedule
        return any(self.scheduled_by(entry, time) for entry in entries)

    def scheduled_by(self, entry: str, time: int) -> bool:
        if entry == "24h":
            return True
        if entry == "night":
            return is_night(self.village.latitude, self.village.longitude, time)
        if entry == "office":
            if datetime.fromtimestamp(time // 1000, tz=ZoneInfo(self.village.timezone)).date() in self.village.holidays:
                return False
            entry = "Mon-Fri 08:00-15:00"
        days, hours = entry.split(" ")
        opens, closes = (seconds_of(text) for text in hours.split("-"))
        local = datetime.fromtimestamp(time // 1000, tz=ZoneInfo(self.village.timezone))
        today, yesterday = WEEK[local.weekday()], WEEK[(local.weekday() - 1) % 7]
        clock = local.hour * 3600 + local.minute * 60 + local.second
        if opens < closes:
            return today in days_of(days) and opens <= clock < closes
        return (today in days_of(days) and opens <= clock) or (yesterday in days_of(days) and clock < closes)


def seconds_of(text: str) -> int:
    return int(text[:2]) * 3600 + int(text[3:]) * 60


def days_of(text: str) -> Iterator[str]:
    for part in text.split(","):
        first, last = (part.split("-") * 2)[:2]
        day = WEEK.index(first)
        yield WEEK[day]
        while WEEK[day] != last:
            day = (day + 1) % 7
            yield WEEK[day]


def is_night(latitude: float, longitude: float, time: int) -> bool:
    """Returns whether the last event of the sun was a sunset. Only for places where it sets and rises every day."""
    today = datetime.fromtimestamp(time // 1000, tz=UTC).date()
    crossings = [
        crossing for shift in (-2, -1, 0, 1) for crossing in sun(latitude, longitude, today + timedelta(days=shift))
    ]
    return max(crossing for crossing in crossings if crossing[0] <= time)[1] == "sets"


@cache
def sun(latitude: float, longitude: float, day: date) -> list[tuple[int, str]]:
    place = Observer(latitude, longitude)
    return [
        (round(time_at_elevation(place, -0.833, day, direction, with_refraction=False).timestamp()) * 1000, what)
        for direction, what in ((SunDirection.SETTING, "sets"), (SunDirection.RISING, "rises"))
    ]


def seconds_by_state(spans: Iterable[Span]) -> dict[tuple[State, bool], int]:
    """Returns the seconds of each state, excused and not, by counting."""
    counted: dict[tuple[State, bool], int] = {}
    for span in spans:
        key = (span.state, span.excused)
        counted[key] = counted.get(key, 0) + (span.end - span.start) // 1000
    return counted
