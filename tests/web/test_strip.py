"""The strip of the last day: what it draws of spans."""

import pytest

from api.web.strip import SLOT, SLOTS, Stroke, day_until, slots, strokes
from siaga.model.clock import DAY, HOUR, MINUTE
from siaga.timeline.spans import Span, State
from tests.http.district import FAILED, MET, NOT_REQUIRED, NOW, UNKNOWN

DAY_UNTIL_NOW = (NOW - DAY, NOW)


def drawn(*spans: Span, now: int = NOW) -> list[Stroke]:
    return list(strokes(slots(spans, day_until(now), now)))


def test_one_state_all_day_is_one_bar() -> None:
    assert drawn(Span(NOW - 9 * DAY, NOW, MET)) == [Stroke(MET, "M0 4h288V12h-288z")]


def test_where_nothing_is_known_of_it_there_is_a_thin_line() -> None:
    assert drawn() == [Stroke(NOT_REQUIRED, "M0 10h288V12h-288z")]


def test_each_state_is_one_path_whatever_its_stretches() -> None:
    hour = 12
    assert drawn(
        Span(NOW - DAY, NOW - 3 * HOUR, MET),
        Span(NOW - 3 * HOUR, NOW - 2 * HOUR, UNKNOWN, "village_offline"),
        Span(NOW - 2 * HOUR, NOW - HOUR, FAILED, "gate_open"),
        Span(NOW - HOUR, NOW, MET),
    ) == [
        Stroke(MET, f"M0 4h{21 * hour}V12h-{21 * hour}zM{23 * hour} 4h{hour}V12h-{hour}z"),
        Stroke(UNKNOWN, f"M{21 * hour} 4h{hour}V12h-{hour}z"),
        Stroke(FAILED, f"M{22 * hour} 0h{hour}V12h-{hour}z"),
    ]


@pytest.mark.parametrize(
    ("spans", "shown"),
    [
        ([(SLOT - 1, MET), (1, FAILED)], FAILED),
        ([(2 * MINUTE, UNKNOWN), (3 * MINUTE, MET)], MET),
        ([(3 * MINUTE, UNKNOWN), (2 * MINUTE, MET)], UNKNOWN),
        ([(4 * MINUTE, NOT_REQUIRED), (MINUTE, MET)], NOT_REQUIRED),
    ],
    ids=["a failure is never hidden", "else the longest: met", "unknown", "not required"],
)
def test_a_slot_shows_one_state(spans: list[tuple[int, State]], shown: State) -> None:
    at, found = NOW - SLOT, []
    for length, state in spans:
        found.append(Span(at, at + length, state))
        at += length
    assert slots(found, DAY_UNTIL_NOW, NOW)[-1] is shown


def test_the_slot_that_runs_shows_what_is_now() -> None:
    """Twenty seconds into it; the window is whole slots, so that the strip stands still between them."""
    now = NOW + 20_000
    assert day_until(now) == (NOW + SLOT - DAY, NOW + SLOT)
    states = slots([Span(NOW - 9 * DAY, NOW, MET), Span(NOW, 2**62, FAILED, "gate_open")], day_until(now), now)
    assert (len(states), states[-1], states[-2]) == (SLOTS, FAILED, MET)
