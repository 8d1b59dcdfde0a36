"""What holds of every timeline, whatever happened."""

from itertools import pairwise
from random import Random

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DataObject

from siaga.model.observation import Reading
from siaga.timeline.availability import Availability, measure
from siaga.timeline.judge import GATEWAY_HEARD, judge
from siaga.timeline.spans import Span, State
from tests.timeline.brute_force import EVENT_HOLDS
from tests.timeline.scenarios import SIGNALS_OF_KIND, Scenario, scenarios, values_of

moderate = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def judged(scenario: Scenario, window: tuple[int, int] | None = None) -> list[Span]:
    return judge(scenario.village, scenario.facility, scenario.evidence(), window or scenario.window, scenario.planned)


def _said(span: Span) -> tuple[State, str | None, bool, bool]:
    return span.state, span.cause, span.excused, span.excused_later


def by_second(spans: list[Span]) -> dict[int, tuple[State, str | None, bool, bool]]:
    return {second: _said(span) for span in spans for second in range(span.start // 1000, span.end // 1000)}


@moderate
@given(scenarios())
def test_spans_cover_the_window_without_gap_or_overlap_and_seconds_add_up(scenario: Scenario) -> None:
    start, end = scenario.window
    spans = judged(scenario)
    assert spans[0].start == start
    assert spans[-1].end == end
    for one, other in pairwise(spans):
        assert one.end == other.start
        assert _said(one) != _said(other)
    for span in spans:
        assert span.start < span.end
        assert not span.excused or span.state in {State.FAILED, State.UNKNOWN}
        assert span.excused or not span.excused_later
        assert (span.cause is None) == (span.state in {State.MET, State.NOT_REQUIRED})

    found = measure(spans, scenario.window)
    left = sum(span.end - span.start for span in spans if span.state is State.NOT_REQUIRED)
    assert found.met + found.failed + found.unknown == found.required
    assert found.required + left == end - start
    assert 0 <= found.excused <= found.failed + found.unknown
    if found.availability_low is not None and found.availability_high is not None:
        assert 0 <= found.availability_low <= found.availability_high <= 1
    assert (found.coverage is None) == (found.required == 0)


@moderate
@given(scenarios(), st.randoms(use_true_random=False))
def test_the_order_in_which_observations_arrive_changes_nothing(scenario: Scenario, chance: Random) -> None:
    at_one_time = {(reading.device, reading.signal, reading.time): reading for reading in scenario.readings}
    once = list(at_one_time.values())
    in_order = judged(scenario.of(once))
    chance.shuffle(once)
    doubled = once + once[: len(once) // 2]
    assert judged(scenario.of(once)) == in_order
    assert judged(scenario.of(doubled)) == in_order


@moderate
@given(scenarios(), st.data())
def test_a_late_observation_changes_nothing_farther_away_than_its_validity(
    scenario: Scenario, data: DataObject
) -> None:
    assume(scenario.readings)
    like = data.draw(st.sampled_from(scenario.readings))
    signals = [*SIGNALS_OF_KIND[scenario.facility.kind], "mains", "online"] if like.signal != "alive" else ["alive"]
    signal = data.draw(st.sampled_from(signals))
    time = data.draw(st.integers(scenario.window[0] // 1000 - 300, scenario.window[1] // 1000)) * 1000
    late = Reading(like.device, signal, time, data.draw(values_of(signal)))
    of_it = [other.time for other in scenario.readings if (other.device, other.signal) == (late.device, late.signal)]
    assume(signal == "alive" or min(of_it, default=time + 1) <= time)  # a first report makes its signal take part

    validity = {device.id: device.validity for place in scenario.village.facilities for device in place.devices}
    holds = max(validity.get(late.device, 0), EVENT_HOLDS.get(signal, 0) * 1000, GATEWAY_HEARD)
    before, after = by_second(judged(scenario)), by_second(judged(scenario.of([*scenario.readings, late])))
    changed = [second * 1000 for second in before if before[second] != after[second]]
    assert all(time <= second < time + holds for second in changed)


@moderate
@given(scenarios(), st.lists(st.integers(1, 1199), max_size=4, unique=True))
def test_splitting_a_window_and_adding_up_equals_the_whole(scenario: Scenario, cuts: list[int]) -> None:
    start, end = scenario.window
    edges = [start, *(start + cut * 1000 for cut in sorted(cuts)), end]
    parts = [measure(judged(scenario, part), part) for part in pairwise(edges)]
    assert sum(parts, Availability()) == measure(judged(scenario), scenario.window)


@moderate
@given(scenarios())
def test_what_may_still_hold_and_the_first_reports_are_all_the_evidence_needed(scenario: Scenario) -> None:
    recent = judge(scenario.village, scenario.facility, scenario.recent_evidence(), scenario.window, scenario.planned)
    assert recent == judged(scenario)


@moderate
@given(scenarios(), st.integers(1, 1199))
def test_the_future_is_what_will_be_if_nothing_more_is_heard(scenario: Scenario, second: int) -> None:
    now = scenario.window[0] + second * 1000
    so_far = scenario.of(reading for reading in scenario.readings if reading.time <= now)
    span = next(span for span in judged(so_far) if span.start <= now < span.end)
    for later in range(now, span.end, 7000):
        window = (later, later + 1000)
        assert [_said(each) for each in judged(so_far, window)] == [_said(span)]
