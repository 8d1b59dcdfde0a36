"""The crossing of the rolling share equals what a window that is moved instant by instant says."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siaga.model.clock import DAY, HOUR, MINUTE
from siaga.timeline.availability import measure
from siaga.timeline.rolling import WINDOW, Trend, trend
from siaga.timeline.span_algebra import FOREVER, joined
from siaga.timeline.spans import Span, State

START = 20_000 * DAY
NOW = START + 3 * DAY
STATES = [(State.MET, False), (State.FAILED, False), (State.FAILED, True), (State.UNKNOWN, False)]
STATES += [(State.UNKNOWN, True), (State.NOT_REQUIRED, False)]


@st.composite
def histories(draw: st.DrawFn) -> list[Span]:
    """Three days of spans, each of whole minutes and some milliseconds; the last one runs."""
    count = draw(st.integers(1, 14))
    cuts = draw(st.lists(st.integers(1, 3 * DAY // MINUTE - 1), min_size=count, max_size=count, unique=True))
    times = [START, *(START + cut * MINUTE + draw(st.integers(0, 59_999)) for cut in sorted(cuts))]
    ends = [*times[1:], FOREVER]
    mostly_met = st.sampled_from([*STATES, *[(State.MET, False)] * 4])
    return joined([Span(a, b, *_said(draw(mostly_met))) for a, b in zip(times, ends, strict=True)])


def _said(state: tuple[State, bool]) -> tuple[State, None, bool]:
    return state[0], None, state[1]


STEP = 5 * MINUTE


def is_below(spans: list[Span], time: int, target: float) -> bool:
    """By the definition: `availability_high` of the window, what is before the first span taken as met."""
    early = Span(-FOREVER, spans[0].start, State.MET)
    found = measure([early, *spans], (time - WINDOW, time))
    high = found.met + found.unknown - found.excused_unknown
    return found.counted > 0 and Fraction(high, found.counted) < Fraction(str(target))


@given(histories(), st.sampled_from([0.99, 0.95, 0.5, 1.0]), st.integers(DAY, 3 * DAY))
@settings(max_examples=25, deadline=None)
def test_it_equals_a_window_moved_minute_by_minute(spans: list[Span], target: float, at: int) -> None:
    now = START + at
    found = trend(spans, now, target)
    assert found.below == is_below(spans, now, target)
    moved = now
    while moved - STEP >= START and is_below(spans, moved - STEP, target) == found.below:
        moved -= STEP
    assert found.since <= moved  # nothing between says otherwise
    if found.since > spans[0].start:
        assert is_below(spans, found.since - 1, target) != found.below  # to the millisecond
    expected_end = next(
        (t for t in range(now, now + 4 * DAY, 2 * STEP) if is_below(spans, t, target) != found.below), None
    )
    if found.until is None:
        assert expected_end is None
    else:
        assert expected_end is None or found.until <= expected_end
        assert is_below(spans, found.until, target) != found.below
        assert is_below(spans, found.until - 1, target) == found.below


ALLOWED = DAY // 100
"""What may fail of a day at a target of 99 %: 14 minutes and 24 seconds."""

TABLE = [
    ("all met", [(0, State.MET)], HOUR, (False, None)),
    (
        "a failure will miss it",
        [(0, State.MET), (DAY, State.FAILED)],
        DAY + MINUTE,
        (False, DAY + ALLOWED + 1),
    ),
    ("the very instant before", [(0, State.MET), (DAY, State.FAILED)], DAY + ALLOWED, (False, DAY + ALLOWED + 1)),
    ("the instant itself", [(0, State.MET), (DAY, State.FAILED)], DAY + ALLOWED + 1, (True, None)),
    ("a new facility has a day's allowance", [(0, State.FAILED)], ALLOWED, (False, ALLOWED + 1)),
    ("and no more", [(0, State.FAILED)], ALLOWED + 1, (True, None)),
    ("unknown is taken for met", [(0, State.MET), (DAY, State.UNKNOWN)], 3 * DAY, (False, None)),
    ("what is over leaves the window", [(0, State.FAILED), (HOUR, State.MET)], 2 * HOUR, (True, DAY + HOUR - ALLOWED)),
    ("nothing is required", [(0, State.NOT_REQUIRED)], 2 * DAY, (False, None)),
]


@pytest.mark.parametrize(("parts", "at", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_trend(parts: list[tuple[int, State]], at: int, expected: tuple[bool, int | None]) -> None:
    ends = [*(start for start, _ in parts[1:]), FOREVER]
    spans = [
        Span(START + a, b if b == FOREVER else START + b, state) for (a, state), b in zip(parts, ends, strict=True)
    ]
    found = trend(spans, START + at, 0.99)
    below, until = expected
    assert found == Trend(below, found.since, None if until is None else START + until)


def test_the_crossing_of_a_failure_is_dated_to_the_millisecond() -> None:
    spans = [Span(START, START + DAY, State.MET), Span(START + DAY, FOREVER, State.FAILED)]
    assert trend(spans, START + DAY + HOUR, 0.99).since == START + DAY + ALLOWED + 1


def test_excused_time_is_left_out_of_the_share() -> None:
    """Of half a day that counts only half as much may fail."""
    spans = [Span(START, START + DAY // 2, State.FAILED, None, True), Span(START + DAY // 2, FOREVER, State.FAILED)]
    quiet = [Span(START - DAY, START, State.NOT_REQUIRED), *spans]
    assert trend(quiet, START + DAY // 2 + 1, 0.99).below
