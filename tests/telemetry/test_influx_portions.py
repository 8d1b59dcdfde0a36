"""How wide the next query is, depending on the result of the previous one."""

import pytest

from siaga.model.clock import DAY, HOUR, SECOND
from siaga.telemetry.influx_portions import CORE_FILES_SPAN, HOLD, SMALLEST, WIDEST, Portion


def test_at_first_all_of_time_is_asked_for_at_once_and_of_a_core_three_days() -> None:
    assert Portion().whole
    assert not Portion(CORE_FILES_SPAN, known=True).whole
    assert 2 * DAY < CORE_FILES_SPAN <= 3 * DAY


@pytest.mark.parametrize(
    ("width", "refused", "then", "goes_on"),
    [
        (WIDEST, 8 * DAY, 4 * DAY, True),
        (4 * DAY, 4 * DAY, 2 * DAY, True),
        (4 * DAY, HOUR, HOUR // 2, True),
        (SMALLEST + 1, SMALLEST + 1, SMALLEST, True),
        (SMALLEST, SMALLEST, SMALLEST, False),
        (WIDEST, 1, SMALLEST, False),
    ],
    ids=["the first", "another", "a narrow one", "nearly the smallest", "the smallest", "less than that"],
)
def test_what_was_refused_is_halved_down_to_the_smallest(width: int, refused: int, then: int, goes_on: bool) -> None:
    portion = Portion(width)
    assert portion.refused(refused) is goes_on
    assert portion.width == then


@pytest.mark.parametrize(
    ("known", "took", "empty", "width", "then"),
    [
        (False, 0, False, 4 * DAY, 8 * DAY),
        (False, 0, True, 4 * DAY, 8 * DAY),
        (False, 20 * SECOND, True, 4 * DAY, 4 * DAY),
        (False, 0, False, DAY, 4 * DAY),
        (True, 0, False, 4 * DAY, 4 * DAY),
        (True, 0, True, 4 * DAY, 8 * DAY),
    ],
    ids=["quick", "quick and empty", "slow", "narrower than allowed", "a Core's", "a Core's, empty"],
)
def test_what_went_well_makes_it_wider(known: bool, took: int, empty: bool, width: int, then: int) -> None:
    portion = Portion(4 * DAY, known=known)
    portion.answered(width, 0, took=took, empty=empty)
    assert portion.width == then


def test_what_timed_out_is_not_asked_again_for_a_while_however_well_its_half_goes() -> None:
    portion = Portion()
    portion.timed_out(8 * DAY, 1_000)
    for now in range(2_000, HOLD, HOLD // 20):
        portion.answered(portion.width, now, took=0, empty=True)
        assert portion.width == 4 * DAY
    portion.answered(portion.width, 1_000 + HOLD, took=0, empty=False)
    assert portion.width == 8 * DAY
