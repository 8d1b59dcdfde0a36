"""Random villages with random histories, in which edges coincide: validities, wills, events, schedules, excuses.

Times are whole seconds, most of them multiples of ten, so that much happens at the same instant.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from siaga.model.observation import Reading, Track, TrackKey
from siaga.model.signals import SIGNALS, SignalType, Value
from siaga.model.sites import Adapter, Device, Facility, Needs, Silence, Village
from siaga.timeline.judge import Evidence, PlannedWork, reach

SECOND = 1000
LENGTH = 1200 * SECOND
"""How long the judged window is: twenty minutes, longer than any validity here and shorter than an event's interval."""

PLACES = [
    ("Asia/Jakarta", -8.19, 114.30),
    ("Asia/Makassar", -8.65, 115.22),
    ("Asia/Jayapura", -2.53, 140.72),
]

SIGNALS_OF_KIND = {
    "free_wifi": ["wifi_up", "wifi_open", "internet"],
    "night_guard": ["checkin", "presence"],
    "gate": ["gate_open"],
    "office_lighting": ["lamp_on", "power", "illuminance"],
    "toilet": ["cleaned", "nh3"],
    "lactation_room": ["cleaned"],
    "it_service": ["service_ok"],
    "playground": ["presence"],
    "power": [],
}
KINDS = [*[kind for kind in SIGNALS_OF_KIND if kind not in {"playground", "power"}] * 3, "playground", "power"]
SCHEDULES: list[str | tuple[str, ...] | None] = [
    None,
    "24h",
    "24h",
    "24h",
    "24h",
    "night",
    "office",
    ("office", "Tue 11:00-13:00"),
    ("Mon-Sat 18:00-06:00", "Sun 08:00-24:00"),
    ("Sat-Mon 23:50-00:10", "Wed 00:00-12:00", "Wed,Thu 11:55-12:05"),
]


def moment(text: str) -> int:
    """Returns a UTC time in milliseconds."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND


EDGES = [
    moment("2026-03-01T17:00:00"),  # midnight in Jakarta, into Monday
    moment("2026-03-02T01:00:00"),  # the office opens in Jakarta
    moment("2026-03-02T07:00:00"),  # the office closes in Makassar
    moment("2026-03-04T05:00:00"),  # Wednesday noon in Jakarta
    moment("2026-03-04T10:50:00"),  # about sunset in Banyuwangi
    moment("2026-03-04T22:20:00"),  # about sunrise there
    moment("2026-03-07T11:00:00"),  # Saturday 18:00 in Jakarta
    moment("2026-03-08T16:59:00"),  # Sunday, a minute before midnight
    moment("2026-03-08T20:40:00"),  # about sunrise in Jayapura
]
HOLIDAYS = [date(2026, 3, 2), date(2026, 3, 4)]


@dataclass(frozen=True)
class Scenario:
    """A village, the facility that is judged, all observations in the order of storing, and the window."""

    village: Village
    facility: Facility
    readings: tuple[Reading, ...]
    planned: tuple[PlannedWork, ...]
    window: tuple[int, int]

    def evidence(self) -> Evidence:
        """Returns all observations."""
        return Evidence(tracks_of(self.readings))

    def recent_evidence(self) -> Evidence:
        """Returns what the judge reads from a store: what may still hold, and when each signal was first reported."""
        everything = tracks_of(self.readings)
        start, end = self.window[0] - reach(self.village, self.facility), self.window[1]
        recent = {key: track.between(start, end) for key, track in everything.items()}
        return Evidence(
            {key: track for key, track in recent.items() if track.times},
            {key: track.times[0] for key, track in everything.items()},
        )

    def of(self, readings: Iterable[Reading]) -> "Scenario":
        """Returns the same scenario with another history."""
        return replace(self, readings=tuple(readings))


def tracks_of(readings: Iterable[Reading]) -> dict[TrackKey, Track]:
    """Returns the tracks of readings, which are in the order of storing."""
    values: dict[TrackKey, dict[int, Value]] = {}
    for reading in readings:
        values.setdefault((reading.device, reading.signal), {})[reading.time] = reading.value
    return {key: Track.of(by_time) for key, by_time in values.items()}


def values_of(signal: str) -> SearchStrategy[Value]:
    match SIGNALS[signal].type:
        case SignalType.BOOL:
            return st.booleans()
        case SignalType.EVENT:
            return st.sampled_from([1, 1, 1, 0])
        case _:
            return st.sampled_from([0.0, 2.0, 2.5, 10.0, 10.5, 24.5, 25.0, 30.0])


def times_around(start: int, kind: str) -> SearchStrategy[int]:
    """Times, mostly in the window or shortly before it; for events also so that their interval ends in it."""
    grid = st.integers(-18, LENGTH // SECOND // 10 - 1).map(lambda n: start + n * 10 * SECOND)
    any_second = st.integers(-200, LENGTH // SECOND - 1).map(lambda n: start + n * SECOND)
    before = st.integers(0, LENGTH // SECOND // 10)
    guard = before.map(lambda n: start - 7200 * SECOND + n * 10 * SECOND)
    cleaner = before.map(lambda n: start - 28800 * SECOND + n * 10 * SECOND)
    choices = {"night_guard": [grid, any_second, guard], "toilet": [grid, cleaner], "lactation_room": [grid, cleaner]}
    return st.one_of(choices.get(kind, [grid, grid, any_second]))


@st.composite
def devices(draw: DrawFn, kind: str, number: int) -> Device:
    """One device, mostly with our firmware; other families can give evidence by default, by a map, or not at all."""
    wanted = SIGNALS_OF_KIND[kind]
    family = draw(st.sampled_from([Adapter.SENML] * 15 + [*Adapter]))
    mapped = draw(st.sampled_from([*wanted, "mains", "battery"])) if family is not Adapter.SENML else ""
    return Device(
        id=f"device-{number}",
        adapter=family,
        every=draw(st.sampled_from([10, 30, 60])) * SECOND,
        map={"key": mapped} if mapped and draw(st.booleans()) else {},
    )


@st.composite
def heartbeats(draw: DrawFn, start: int) -> list[Reading]:
    """Heartbeats of two gateways, one with gaps and one that seldom runs, and of a device that sends one."""
    gaps = draw(st.lists(st.tuples(st.integers(-3, 40), st.integers(1, 8)), max_size=3))
    silent = {beat for at, length in gaps for beat in range(at, at + length)}
    beats = [Reading("gw", "alive", start + n * 30 * SECOND, True) for n in range(-4, 40) if n not in silent]
    others = draw(st.lists(st.sampled_from(["gw-2", "gw-2", "device-1"]), max_size=3))
    seconds = st.integers(-120, LENGTH // SECOND)
    return beats + [Reading(other, "alive", start + draw(seconds) * SECOND, True) for other in others]


@st.composite
def scenarios(draw: DrawFn, kinds: SearchStrategy[str] | None = None) -> Scenario:
    """A random village with a random history."""
    kind = draw(st.sampled_from(KINDS) if kinds is None else kinds)
    timezone, latitude, longitude = draw(st.sampled_from(PLACES))
    start = draw(st.sampled_from(EDGES)) - draw(st.integers(0, LENGTH // SECOND)) * SECOND
    own = [draw(devices(kind, number)) for number in range(1, 1 + draw(st.sampled_from([1, 2, 3, 1, 2, 0])))]
    facility = Facility(
        id="place",
        kind=kind,
        name="Place",
        devices=tuple(own),
        since=draw(st.sampled_from([None, None, None, None, date(2026, 1, 1), date(2026, 3, 2), date(2026, 3, 5)])),
        needs=draw(st.sampled_from(Needs)),
        schedule=draw(st.sampled_from(SCHEDULES)),
        silence=draw(st.sampled_from([None, None, *Silence])),
    )
    meter = Device("meter", Adapter.SENML, 30 * SECOND)
    stranger = Device("stranger", Adapter.SENML, 30 * SECOND)
    village = Village(
        code="35.10.15.2012",
        name="Kampunganyar",
        latitude=latitude,
        longitude=longitude,
        timezone=timezone,
        facilities=(
            facility,
            Facility("grid", "power", "Meter", (meter,)),
            Facility("other", "gate", "Other gate", (stranger,)),
        ),
        told=start + draw(st.sampled_from([-100, 300])) * SECOND,
        holidays=frozenset(draw(st.lists(st.sampled_from(HOLIDAYS), max_size=2))),
    )
    asked = [*SIGNALS_OF_KIND[kind] * 6, "online", "online", "online", "mains", "battery", "heard", "heard"]
    sources = [*[device.id for device in own] * 8, "meter", "stranger"]
    readings = draw(heartbeats(start))
    for _ in range(draw(st.one_of(st.integers(20, 60), st.integers(0, 8)))):
        source = draw(st.sampled_from(sources))
        signal = draw(st.sampled_from(asked if source.startswith("device") else ["mains", "online"]))
        readings.append(Reading(source, signal, draw(times_around(start, kind)), draw(values_of(signal))))
    edges = st.integers(-10, LENGTH // SECOND // 10 + 10).map(lambda n: start + n * 10 * SECOND)
    planned = [
        PlannedWork(min(edge, other), max(edge, other), draw(st.sampled_from([0, draw(edges)])))
        for edge, other in draw(st.lists(st.tuples(edges, edges), max_size=3))
    ]
    return Scenario(village, facility, tuple(readings), tuple(planned), (start, start + LENGTH))
