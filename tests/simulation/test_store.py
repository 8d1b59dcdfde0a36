"""The store of the simulation keeps what every telemetry store promises."""

import random

from siaga.model.clock import DAY
from siaga.model.observation import Arrival, Point, Reading
from siaga.model.signals import Value
from siaga.telemetry import TelemetryStore
from tests.simulation.disks import SimulatedStore
from tests.simulation.kernel import Kernel
from tests.timeline.scenarios import tracks_of

VILLAGE = "35.10.15.2012"


def test_shuffled_doubled_writes_are_stored_once_and_the_last_stays() -> None:
    chance = random.Random(7)
    store: TelemetryStore = SimulatedStore(Kernel(1, 0), lambda _: None)
    readings: list[Reading] = []
    for _ in range(300):
        value: Value = chance.random() < 0.5
        reading = Reading(chance.choice(["a", "b"]), "gate_open", chance.randrange(100), value)
        readings.append(reading)
        point = Point(VILLAGE, reading.device, reading.time, 0, {"gate_open": value})
        for _ in range(chance.choice([1, 2])):
            assert store.write([point]) == []
    expected = tracks_of(readings)
    assert store.tracks(VILLAGE, 0, DAY) == expected
    assert store.tracks(VILLAGE, 50, 60) == {key: track.between(50, 60) for key, track in expected.items()}
    assert store.first_times(VILLAGE) == {key: track.times[0] for key, track in expected.items()}
    assert store.latest(VILLAGE, "a")["gate_open"] == (
        expected["a", "gate_open"].times[-1],
        expected["a", "gate_open"].values[-1],
    )


def test_signals_of_one_time_share_a_point_and_arrivals_come_in_order() -> None:
    store: TelemetryStore = SimulatedStore(Kernel(1, 0), lambda _: None)
    late, later = Arrival(VILLAGE, "gw", 20, 1, 2), Arrival(VILLAGE, "gw", 30, 1, 2)
    store.write([Point(VILLAGE, "a", 5, 0, {"gate_open": True})], [later])
    store.write([Point(VILLAGE, "a", 5, 0, {"battery": 1.5})], [late])
    assert set(store.latest(VILLAGE, "a")) == {"gate_open", "battery"}
    assert list(store.arrivals(0)) == [late, later]
    assert list(store.arrivals(21)) == [later]
