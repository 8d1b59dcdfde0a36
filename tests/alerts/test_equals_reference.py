"""Jitter, order, duplicates, late batches, lost links and new engines neither delay nor double an alert, nor date it
anew: what the engine tells of a random history is what a reference tells that sees the whole truth. So is what it says
was dark.

Thousands of histories: `python -m tests.alerts.comparison 1-2000`.
"""

import pytest

from siaga.model.clock import MINUTE, SECOND
from siaga.model.sites import Needs
from tests.alerts.comparison import compare
from tests.alerts.histories import EVENING, Episode, History, drawn, place
from tests.alerts.world import NOON

Said = tuple[str, int, int] | tuple[str, int, int, str] | tuple[str, int, int, str, str]
"""An episode: kind, from and to in seconds of its history, device, signal."""


def history(
    *said: Said,
    start: int = NOON,
    grace: int = 2,
    recovery: int = 30,
    needs: Needs = Needs.ANY,
    jitter: int = 0,
    seed: int = 0,
) -> History:
    """A history in few words; grace in minutes, recovery and jitter in seconds."""
    episodes = tuple(
        Episode(kind, start + begins * SECOND, start + ends * SECOND, *whose) for kind, begins, ends, *whose in said
    )
    return History(place(grace * MINUTE, recovery * SECOND, needs), start, episodes, jitter * SECOND, seed)


ONCE = {
    "what is over was said before what ended it": history(
        ("cut", 353, 1253),
        ("fails", 476, 1205, "jaga", "presence"),
        jitter=3,
        seed=9,
    ),
    "a silence ends with what was said first, not with what came last": history(
        ("silent", 4740, 5940, "gerbang-1"),
        ("engine", 5064, 5164),
        ("cut", 5485, 7199),
        grace=5,
        needs=Needs.ALL,
        seed=231,
    ),
    "what came late and was judged later says when it was over": history(
        ("fails", 2219, 6226, "jaga", "presence"),
        ("cut", 5618, 7348),
        ("store", 6984, 7886),
        start=EVENING,
        seed=2358,
    ),
    "what came while no engine listened waits for the store": history(
        ("cut", 5896, 6364),
        ("store", 6334, 6642),
        ("engine", 6360, 6460),
        ("silent", 6435, 6657, "pln"),
        start=EVENING,
        recovery=120,
        jitter=12,
        seed=4932,
    ),
}
"""What was once told wrong."""


@pytest.mark.parametrize("each", ONCE.values(), ids=ONCE)
def test_what_was_once_told_wrong(each: History) -> None:
    comparison = compare(each)
    assert (comparison.missing, comparison.wrong, comparison.dark) == ([], [], comparison.truly_dark)


@pytest.mark.parametrize("number", range(1, 6))
def test_what_is_told_is_what_the_reference_tells(number: int) -> None:
    comparison = compare(drawn(number))
    assert (comparison.missing, comparison.wrong, comparison.dark) == ([], [], comparison.truly_dark)
