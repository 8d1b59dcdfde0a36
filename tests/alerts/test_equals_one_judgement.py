"""However readings come - shuffled, doubled, late, cut in batches, over restarts - the spans are those of one judgement
that sees them all at once, and dark is what brute force finds to be dark."""

import random
import tempfile
from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from siaga.model.clock import HOUR, MINUTE, SECOND
from siaga.model.indicators import POWER
from siaga.timeline.judge import Evidence, Span, judge, judged_from
from tests.alerts.world import World, looking_seldom
from tests.timeline.brute_force import BruteForce
from tests.timeline.scenarios import Scenario, scenarios, tracks_of

SETTINGS = settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def expected(scenario: Scenario, facility_id: str, told: int, now: int) -> list[Span]:
    village = replace(scenario.village, told=told)
    facility = next(each for each in village.facilities if each.id == facility_id)
    evidence = Evidence(tracks_of(scenario.readings))
    begins = judged_from(village, facility, evidence)
    if facility.kind == POWER or begins is None or begins > now:
        return []
    return judge(village, facility, evidence, (begins, now + 1))


def found(world: World, scenario: Scenario, facility: str) -> list[Span]:
    now = world.clock.now()
    return [span._replace(end=min(span.end, now + 1)) for span in world.spans(facility, scenario.village.code)]


def usable(scenario: Scenario) -> Scenario:
    """What a centre takes: of two readings at one time one; `alive` of gateways alone, and of them nothing else."""
    devices = {device.id for facility in scenario.village.facilities for device in facility.devices}
    readings = {
        (reading.device, reading.signal, reading.time): reading
        for reading in scenario.readings
        if (reading.device in devices) != (reading.signal == "alive")
    }
    village = replace(scenario.village, remote=True)
    return replace(scenario, village=village, readings=tuple(readings.values()))


def check(world: World, scenario: Scenario) -> None:
    for facility in ("place", "other"):
        assert found(world, scenario, facility) == expected(scenario, facility, world.told, world.clock.now()), facility
    slow = BruteForce(scenario.village, scenario.facility, scenario.readings)
    assert world.dark(scenario.village.code) == slow.dark()


@SETTINGS
@given(scenarios(), st.randoms(use_true_random=False))
def test_all_at_once_long_afterwards(scenario: Scenario, chance: random.Random) -> None:
    scenario = usable(scenario)
    with tempfile.TemporaryDirectory() as directory:
        world = World(Path(directory), scenario.village, now=scenario.window[1] + 6 * HOUR)
        try:
            send_shuffled(world, scenario, chance)
            world.let(10 * SECOND)
            check(world, scenario)
        finally:
            world.close()


@SETTINGS
@given(scenarios(), st.randoms(use_true_random=False), st.sampled_from([0, 20, 120, 900]))
def test_live_with_delays(scenario: Scenario, chance: random.Random, delay: int) -> None:
    """Every reading comes up to `delay` seconds late, some twice; now and then the engine is replaced."""
    scenario = usable(scenario)
    with tempfile.TemporaryDirectory() as directory, looking_seldom():
        first = min((reading.time for reading in scenario.readings), default=scenario.window[0])
        world = World(Path(directory), scenario.village, now=min(first, scenario.window[0]) - MINUTE)
        try:
            live(world, scenario, chance, delay)
            world.let(10 * SECOND)
            check(world, scenario)
        finally:
            world.close()


def send_shuffled(world: World, scenario: Scenario, chance: random.Random) -> None:
    readings = list(scenario.readings)
    chance.shuffle(readings)
    size = chance.randint(1, 30)
    batches = [readings[at : at + size] for at in range(0, len(readings), size)]
    payloads = [world.send(batch, code=scenario.village.code, settle=False) for batch in batches]
    for payload in chance.sample(payloads, len(payloads) // 2):
        world.resend(payload, code=scenario.village.code, settle=False)
    world.settle()


def live(world: World, scenario: Scenario, chance: random.Random, delay: int) -> None:
    arrivals = [(reading.time + chance.randint(0, delay) * SECOND, reading) for reading in scenario.readings]
    arrivals.sort(key=lambda arrival: arrival[0])
    payload = b""
    for time, reading in arrivals:
        world.until(max(time, world.clock.now()))
        payload = world.send([reading], code=scenario.village.code)
        if chance.random() < 0.05:
            world.restart(clean=chance.random() < 0.5)
        if payload and chance.random() < 0.1:
            world.resend(payload, code=scenario.village.code)
    world.until(max(world.clock.now(), scenario.window[1]))
