"""The judge gives the same answers as the brute-force judge, for random villages with random histories."""

from hypothesis import HealthCheck, given, settings

from siaga.timeline.judge import judge
from tests.timeline.brute_force import BruteForce
from tests.timeline.scenarios import Scenario, scenarios


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(scenarios())
def test_the_judge_equals_the_brute_force_judge(scenario: Scenario) -> None:
    judged = judge(scenario.village, scenario.facility, scenario.evidence(), scenario.window, scenario.planned)
    slow = BruteForce(scenario.village, scenario.facility, scenario.readings, scenario.planned)
    assert judged == slow.spans(*scenario.window)
