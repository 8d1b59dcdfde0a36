"""Former rules of the contract, restored one at a time: the comparison with the brute-force judge finds each."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, Phase, find, settings
from hypothesis.strategies import SearchStrategy, just

from siaga.model.intervals import Interval
from siaga.model.sites import Device, Village
from siaga.timeline import device_evidence
from siaga.timeline.evidence import Evidence
from siaga.timeline.facility_state import DeviceSays, facility_state
from siaga.timeline.judge import judge
from siaga.timeline.schedule import Schedule, required
from siaga.timeline.spans import State
from tests.timeline.brute_force import BruteForce
from tests.timeline.scenarios import HOLIDAYS, Scenario, scenarios


def nobody_speaks(device: Device, evidence: Evidence, window: Interval) -> list[Interval]:
    """Formerly: a device without evidence was silent, whatever else it reported."""
    return []


def wills_do_not_silence(device: Device, evidence: Evidence, window: Interval) -> list[Interval]:
    """Formerly: a device was not silent for three intervals after a reading, even after a last will."""
    tracks = {key: track for key, track in evidence.tracks.items() if key != (device.id, "online")}
    return device_evidence.speaking(device, Evidence(tracks), window)


def without_the_cause(*args: object) -> tuple[State, str | None]:
    """Formerly: missing evidence was named as the cause only if no device takes part."""
    rule, needs, silence, devices = args
    assert isinstance(devices, Sequence)
    quiet = [DeviceSays(each.asked, silent=each.silent or each.gives_none) for each in devices]
    return facility_state(rule, needs, silence, quiet)  # type: ignore[arg-type] # it hands everything on


def on_holidays_too(schedule: Schedule, village: Village, start: int, end: int) -> list[Interval]:
    """Formerly: the office was required on holidays."""
    return required(schedule, replace(village, holidays=frozenset()), start, end)


def nothing_later(whole: Sequence[Interval], taken: Sequence[Interval]) -> list[Interval]:
    """Formerly: it did not matter when maintenance was declared."""
    return []


def at_an_office_that_has_holidays(scenario: Scenario) -> Scenario:
    """Returns a scenario with office hours, in which both days that may be holidays are: seldom drawn otherwise."""
    facility = replace(scenario.facility, schedule="office")
    others = scenario.village.facilities[1:]
    village = replace(scenario.village, facilities=(facility, *others), holidays=frozenset(HOLIDAYS))
    return replace(scenario, village=village, facility=facility)


ANY = scenarios()
OFFICES = scenarios(just("toilet")).map(at_an_office_that_has_holidays)
OLD: dict[str, tuple[str, Callable[..., object], SearchStrategy[Scenario]]] = {
    "silence is want of evidence": ("siaga.timeline.judge.speaking", nobody_speaks, ANY),
    "a last will leaves a device heard": ("siaga.timeline.judge.speaking", wills_do_not_silence, ANY),
    "a device that speaks is called silent": ("siaga.timeline.judge.facility_state", without_the_cause, ANY),
    "holidays are days like others": ("siaga.timeline.judge.required", on_holidays_too, OFFICES),
    "maintenance excuses whenever it was declared": ("siaga.timeline.judge.subtract", nothing_later, ANY),
}


def differs(scenario: Scenario) -> bool:
    """Returns whether the judge and the brute-force judge differ."""
    judged = judge(scenario.village, scenario.facility, scenario.evidence(), scenario.window, scenario.planned)
    return judged != BruteForce(scenario.village, scenario.facility, scenario.readings, scenario.planned).spans(
        *scenario.window
    )


QUICK = settings(
    max_examples=1_000,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)
"""Nobody needs the smallest example."""


@pytest.mark.parametrize(("place", "rule", "among"), OLD.values(), ids=OLD)
def test_an_old_rule_that_is_put_back_is_found(
    place: str, rule: Callable[..., object], among: SearchStrategy[Scenario]
) -> None:
    with patch(place, rule):
        find(among, differs, settings=QUICK)


def test_that_the_repeated_online_made_a_device_heard_is_found() -> None:
    with patch.object(device_evidence, "_OWN", (*device_evidence._OWN, "online")):
        find(ANY, differs, settings=QUICK)
