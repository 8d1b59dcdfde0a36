"""Seconds that add up, and the shares that follow."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga.timeline.availability import Availability, measure
from siaga.timeline.spans import Span, State

MET, FAILED, UNKNOWN, NOT_REQUIRED = State.MET, State.FAILED, State.UNKNOWN, State.NOT_REQUIRED


def test_a_window_is_measured_by_the_part_of_each_span_that_lies_in_it() -> None:
    spans = [
        Span(0, 100, NOT_REQUIRED),
        Span(100, 400, MET),
        Span(400, 500, FAILED, "gate_open"),
        Span(500, 510, FAILED, "gate_open", excused=True),
        Span(510, 530, FAILED, "gate_open", excused=True, excused_later=True),
        Span(530, 600, UNKNOWN, "village_offline"),
        Span(600, 605, UNKNOWN, "village_offline", excused=True),
        Span(605, 1000, MET),
    ]
    assert measure(spans, (0, 1000)) == Availability(
        695, 130, 75, excused_failed=30, excused_unknown=5, excused_later=20
    )
    assert measure(spans, (450, 510)) == Availability(failed=60, excused_failed=10)
    assert measure(spans, (50, 100)) == Availability()
    assert measure(spans, (2000, 3000)) == Availability()


SHARES = [
    # met, failed, unknown, of them excused: failed, unknown -> low, high, coverage
    ("all met", Availability(10), 1.0, 1.0, 1.0),
    ("all failed", Availability(0, 10), 0.0, 0.0, 1.0),
    ("all unknown", Availability(0, 0, 10), 0.0, 1.0, 0.0),
    ("unknown is on neither side", Availability(6, 2, 2), 0.6, 0.8, 0.8),
    ("excused failure is left out of the shares", Availability(6, 4, 0, 4, 0), 1.0, 1.0, 1.0),
    ("excused unknown too", Availability(6, 0, 4, 0, 4), 1.0, 1.0, 0.6),
    ("some of each", Availability(6, 2, 2, 1, 1), 6 / 8, 7 / 8, 0.8),
    ("all excused: a share of nothing, but covered", Availability(0, 10, 0, 10, 0), None, None, 1.0),
    ("nothing required: shares of nothing", Availability(), None, None, None),
]


@pytest.mark.parametrize(("case", "found", "low", "high", "coverage"), SHARES, ids=[case for case, *_ in SHARES])
def test_shares(case: str, found: Availability, low: float | None, high: float | None, coverage: float | None) -> None:
    assert found.availability_low == low
    assert found.availability_high == high
    assert found.coverage == coverage
    assert found.required == found.met + found.failed + found.unknown


parts = st.builds(
    lambda m, f, u, ef, eu, later: Availability(m, f + ef, u + eu, ef, eu, later), *[st.integers(0, 10**9)] * 6
)


@given(parts, parts)
def test_two_windows_add_up(one: Availability, other: Availability) -> None:
    both = one + other
    assert both.required == one.required + other.required
    assert both.excused == one.excused + other.excused
    assert both.counted == one.counted + other.counted
    assert both.excused_later == one.excused_later + other.excused_later
    assert one + Availability() == one
