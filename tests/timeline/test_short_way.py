"""The short way for repetitions comes to the same as the long one, and quick answers to the same as counted ones."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from siaga.model.clock import MINUTE, SECOND
from siaga.model.observation import Reading
from siaga.model.signals import EVENTS, Value
from siaga.model.sites import Adapter, Device, Facility, Village
from siaga.timeline.recent import Recent, judged_facilities

NOON = 1_772_700_000_000
PLACE = Village(
    "35.10.15.2012",
    "Kampunganyar",
    -8.2,
    114.3,
    "Asia/Jakarta",
    (
        Facility("gerbang", "gate", "Gerbang", (Device("gerbang-1", Adapter.SENML, MINUTE),)),
        Facility("wifi", "free_wifi", "Wi-Fi", (Device("wifi-1", Adapter.SENML, MINUTE),)),
        Facility("lampu", "office_lighting", "Lampu", (Device("lampu-1", Adapter.SENML, MINUTE),)),
        Facility("jaga", "night_guard", "Jaga", (Device("jaga-1", Adapter.SENML, MINUTE),)),
        Facility("listrik", "power", "PLN", (Device("pln-1", Adapter.SENML, MINUTE),)),
    ),
    remote=True,
)
SAID = {
    "gerbang-1": ("gate_open", "online", "battery", "heard", "rssi"),
    "wifi-1": ("wifi_up", "online", "internet", "clients"),
    "lampu-1": ("lamp_on", "power", "illuminance", "online"),
    "jaga-1": ("presence", "checkin", "online", "battery"),
    "pln-1": ("mains", "online", "battery"),
}
NUMBERS = {
    "battery": (80.0, 81.0),
    "rssi": (-60.0,),
    "clients": (1, 2),
    "power": (1.0, 3.0),
    "illuminance": (5.0, 50.0),
}


@dataclass(frozen=True)
class Step:
    """A reading that arrives so many ms after the one before it, and is so many ms old."""

    after: int
    age: int
    device: str
    signal: str
    value: Value


@st.composite
def steps(draw: st.DrawFn) -> Step:
    device = draw(st.sampled_from(sorted(SAID)))
    signal = draw(st.sampled_from(SAID[device]))
    values: tuple[Value, ...] = (1,) if signal in EVENTS else NUMBERS.get(signal, (True, True, True, False))
    return Step(
        draw(st.sampled_from((0, SECOND, 20 * SECOND, MINUTE, 4 * MINUTE))),
        draw(st.sampled_from((0, 0, 0, 0, SECOND, 30 * SECOND, 3 * MINUTE, -SECOND))),
        device,
        signal,
        draw(st.sampled_from(values)),
    )


def long_way(recent: Recent, reading: Reading, now: int) -> bool:
    """What a message does with a reading."""
    device, signal, time, value = reading
    recent.note_report(device, signal, time, now)
    changed = recent.insert((device, signal), time, value, now)
    return recent.learn_first((device, signal), time) or changed


@given(st.lists(steps(), max_size=40), st.integers(0, 39))
def test_a_repetition_comes_to_the_same_on_both_ways(story: list[Step], restored_at: int) -> None:
    short, long = Recent(PLACE, NOON - 60 * MINUTE), Recent(PLACE, NOON - 60 * MINUTE)
    now = NOON
    for number, step in enumerate(story):
        now += step.after
        reading = Reading(step.device, step.signal, now - step.age, step.value)
        lacked = long.lacks_evidence(step.device, now - 13 * MINUTE)
        if short.short_way.take((reading.device, reading.signal), reading.time, reading.value, now):
            assert not long_way(long, reading, now)
            assert step.signal == "online" or long.gives_evidence(step.device, step.signal) or not lacked
        else:
            assert long_way(short, reading, now) == long_way(long, reading, now)
        if number == restored_at:
            short.trim(now)
            long.trim(now)
        assert (short.reported, short.gave, short.first) == (long.reported, long.gave, long.first)
        assert _said(short) == _said(long)
        for moment in (now, now - 2 * MINUTE, now + MINUTE):
            anew = _anew(long)
            for facility in judged_facilities(PLACE):
                assert short.changes_after(facility, moment) == anew.changes_after(facility, moment)


def _said(recent: Recent) -> dict[object, object]:
    return {key: (list(track.times), list(track.values)) for key, track in recent.tracks.items()}


def _anew(recent: Recent) -> Recent:
    """Returns a memory with the same observations that has counted nothing yet."""
    other = Recent(PLACE, recent.start, recent.first)
    for key, track in recent.tracks.items():
        other.restore(key, track)
    return other
