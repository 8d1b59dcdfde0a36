"""Budget, burn rate and restitution, worked by hand."""

from fractions import Fraction

import pytest

from api.reports.restitution import Restitution, counted_downtime, restitution
from api.reports.sla import Pace, burn_rate, burn_rates, month_budget, pace
from siaga.model.clock import DAY, HOUR, MINUTE, SECOND
from siaga.timeline.availability import Availability
from siaga.timeline.spans import Span, State

TARGET = Fraction(99, 100)
MONTH = 720 * HOUR


def test_one_per_cent_of_720_hours_is_7_hours_and_12_minutes() -> None:
    budget = month_budget(Availability(met=MONTH), 0, TARGET)
    assert budget.whole == budget.left == 7 * HOUR + 12 * MINUTE


@pytest.mark.parametrize(
    ("past", "to_come", "left", "rate"),
    [
        pytest.param(Availability(met=360 * HOUR), 360 * HOUR, 432, 0, id="half a month, nothing failed"),
        pytest.param(Availability(met=356 * HOUR + 24 * MINUTE, failed=3 * HOUR + 36 * MINUTE), 360 * HOUR, 216, 1,
                     id="half of the budget after half of the month"),
        pytest.param(Availability(met=65 * HOUR, failed=7 * HOUR), 648 * HOUR, 12, Fraction(700, 72),
                     id="nearly all of it after a tenth of the month"),
        pytest.param(Availability(met=710 * HOUR, failed=10 * HOUR), 0, -168, Fraction(1000, 720), id="overspent"),
        pytest.param(Availability(met=100 * HOUR, failed=20 * HOUR, excused_failed=20 * HOUR), 600 * HOUR, 420, 0,
                     id="what is excused is neither used nor counted: 1 % of 700 h"),
        pytest.param(Availability(met=100 * HOUR, unknown=20 * HOUR), 600 * HOUR, 432, 0, id="unknown has not failed"),
        pytest.param(Availability(), 720 * HOUR, 432, None, id="the first moment of a month"),
    ],
)  # fmt: skip
def test_what_is_left_and_how_fast_it_burns(
    past: Availability, to_come: int, left: int, rate: Fraction | int | None
) -> None:
    """`left` in minutes."""
    budget = month_budget(past, to_come, TARGET)
    assert budget.left == left * MINUTE
    assert budget.burn_rate == rate


def test_the_burn_rate_is_the_share_of_the_budget_over_the_share_of_the_time() -> None:
    budget = month_budget(Availability(met=99 * HOUR, failed=HOUR), 620 * HOUR, TARGET)
    assert budget.burn_rate == (budget.used / budget.whole) / Fraction(budget.passed, budget.counted)


@pytest.mark.parametrize(("failed", "counted", "target"), [(0, 0, TARGET), (HOUR, 2 * HOUR, Fraction(1))])
def test_without_a_budget_there_is_no_burn_rate(failed: int, counted: int, target: Fraction) -> None:
    assert burn_rate(failed, counted, target) is None


@pytest.mark.parametrize(
    ("failures", "expected"),
    [
        pytest.param([], Pace.CALM, id="nothing failed"),
        pytest.param([(9 * MINUTE, 0)], Pace.FAST, id="9 minutes of the last hour, until now: 15 times"),
        pytest.param([(8 * MINUTE, 0)], Pace.CALM, id="8 minutes are 13 times, and too short for 6 hours"),
        pytest.param([(30 * MINUTE, 10 * MINUTE)], Pace.CALM,
                     id="20 minutes, over 10 minutes ago: 6 hours burn at 5.6, 3 days at 0.46"),
        pytest.param([(40 * MINUTE, 10 * MINUTE)], Pace.HIGH, id="30 minutes in 6 hours, 20 in the last 30"),
        pytest.param([(60 * HOUR, 59 * HOUR)], Pace.CALM, id="an hour that is over for long burns no more"),
        pytest.param([(60 * HOUR, 59 * HOUR), (4 * HOUR, 3 * HOUR + 56 * MINUTE)], Pace.SLOW,
                     id="64 minutes in three days, 4 of them in the last 6 hours"),
    ],
)  # fmt: skip
def test_a_pace_needs_both_of_its_windows(failures: list[tuple[int, int]], expected: Pace) -> None:
    """Failures by how long ago they began and ended; all the rest was met."""
    now = 100 * DAY
    spans, at = [], now - 4 * DAY
    for began, ended in failures:
        spans += [Span(at, now - began, State.MET), Span(now - began, now - ended, State.FAILED, "gate_open")]
        at = now - ended
    spans.append(Span(at, now, State.MET))
    assert pace(burn_rates(spans, TARGET, now)) is expected


CONTRACT = Restitution(formula="(X*Y)/(Z*99.5%)", prices={"free_wifi": 1_000_000})


@pytest.mark.parametrize(
    ("downtime", "counted", "amount"),
    [
        pytest.param(7 * HOUR + 12 * MINUTE, MONTH, 10_050, id="7.2 h x 1,000,000 / (720 h x 0.995) = 10,050.25"),
        pytest.param(0, MONTH, 0, id="nothing was down"),
        pytest.param(MONTH, MONTH, 1_005_025, id="all of it: 1,000,000 / 0.995 = 1,005,025.1"),
        pytest.param(0, 0, None, id="nothing was asked for: there is no share of nothing"),
    ],
)
def test_the_restitution_of_a_month(downtime: int, counted: int, amount: int | None) -> None:
    assert restitution(CONTRACT, "free_wifi", downtime, counted) == amount


def test_a_kind_without_a_price_has_none_and_none_is_negative() -> None:
    assert restitution(CONTRACT, "gate", HOUR, MONTH) is None
    less = Restitution(formula="X-Y", prices={"gate": 5})
    assert restitution(less, "gate", HOUR, MONTH) == 0


def test_downtime_over_300_seconds_counts() -> None:
    """One of 300 s does not, one of 301 s does, whole; of one that goes into the next month what lies in this one."""
    start = 0
    runs = [(0, 300 * SECOND), (HOUR, HOUR + 301 * SECOND), (MONTH - 100 * SECOND, MONTH + 500 * SECOND)]
    over = Restitution(formula="X", prices={}, over="300s").over_ms
    assert counted_downtime(runs, (start, MONTH), over) == 401 * SECOND
    assert counted_downtime(runs, (start, MONTH), 0) == 701 * SECOND
