"""Which clock dates a reading: the device's or the gateway's."""

import pytest

from gateway.adapters import Observed
from gateway.clocks import PLAUSIBLE_FROM, judge
from tests.gateway.places import MINUTE, NOW

HOUR = 60 * MINUTE


@pytest.mark.parametrize(
    ("said", "late", "counts", "trusted"),
    [
        (None, False, NOW, True),
        (NOW, False, NOW, True),
        (NOW - 5 * MINUTE, False, NOW - 5 * MINUTE, True),
        (NOW - 5 * MINUTE - 1, False, NOW, False),
        (NOW + 5 * MINUTE, False, NOW + 5 * MINUTE, True),
        (NOW + 5 * MINUTE + 1, False, NOW, False),
        (12_000, False, NOW, False),
        (NOW - 30 * HOUR, True, NOW - 30 * HOUR, True),
        (PLAUSIBLE_FROM, True, PLAUSIBLE_FROM, True),
        (PLAUSIBLE_FROM - 1, True, NOW, False),
        (NOW + 5 * MINUTE + 1, True, NOW, False),
    ],
    ids=[
        "no time is the time of receipt",
        "right",
        "5 minutes behind is near enough",
        "more is not",
        "5 minutes ahead is near enough",
        "more is not either",
        "1970: never set",
        "late, not skewed: the broker had kept it",
        "late from 2020 on",
        "late, before 2020",
        "late, ahead",
    ],
)
def test_one_value(said: int | None, late: bool, counts: int, trusted: bool) -> None:
    judged = judge([Observed("gate_open", True, said)], NOW, late=late)
    assert judged.values == [("gate_open", True, counts)]
    assert judged.trusted == trusted
    assert judged.offset == (None if said is None else said - NOW)


def test_the_newest_time_of_a_message_is_what_the_clock_says() -> None:
    """A device that reports stored readings has a good clock, although most of their times are old."""
    said = [NOW - 20 * MINUTE, NOW - 10 * MINUTE, NOW - 1000]
    judged = judge([Observed("battery", 1.0, time) for time in said], NOW, late=False)
    assert ([time for _, _, time in judged.values], judged.trusted) == (said, True)


def test_what_says_no_time_is_of_now_beside_what_does() -> None:
    judged = judge([Observed("battery", 1.0), Observed("gate_open", True, NOW - 7)], NOW, late=False)
    assert [time for _, _, time in judged.values] == [NOW, NOW - 7]
