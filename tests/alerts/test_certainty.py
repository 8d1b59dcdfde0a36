"""Do we know enough to say so? One line a case, one sentence why."""

from dataclasses import replace

import pytest

from api.alerts.certainty import Certainty, Claim, Facts, Knows, Moment, Rests, Waits, certainty

NOW = Moment(1_000_000, 500_000, 0)
ALL_WELL = Facts()
BACK = Facts(back_until=504_000, back_since=900_000)
"""Its gateway came back at 900,000 and has 4 s to send what it kept."""
BEHIND = Facts(behind_until=502_000)
OFFLINE = Facts(is_offline=True)
UNHEARD = Facts(unheard_before=950_000)
"""What a device said last before 950,000 may be in the store alone."""
UNREAD = Facts(is_read=False)
WORD, STATE, SILENCE, DAY = Rests

KNOWN = Knows()
CATCHING_UP, BEHIND_WAITS = Waits("catching_up", 1_004_000), Waits("catching_up", 1_002_000)

TABLE: list[tuple[str, Facts, Claim, Certainty]] = [
    ("nothing is in the way", ALL_WELL, Claim(STATE, 10), KNOWN),
    ("nothing is in the way of silence", ALL_WELL, Claim(SILENCE, 10), KNOWN),
    ("what is still judged again counts from where it is sure", Facts(sure_from=7), Claim(STATE, 3), Knows(7)),
    # Memory
    ("without evidence no state can be told", UNREAD, Claim(STATE, 10), Waits("not_read")),
    ("without evidence nobody knows whether it is over", UNREAD, Claim(SILENCE, over=True), Waits("not_read")),
    ("what a gateway says of itself needs no evidence", UNREAD, Claim(WORD, 10), KNOWN),
    # The link
    ("offline: nothing else is raised", OFFLINE, Claim(STATE, 10), Waits("village_offline")),
    ("offline: not even what its gateway said last", OFFLINE, Claim(WORD, 10), Waits("village_offline")),
    ("offline: what is over is over", OFFLINE, Claim(STATE, over=True), KNOWN),
    ("what was kept has not reached now: it may be over", BEHIND, Claim(STATE, 10), BEHIND_WAITS),
    ("what was kept may break a silence", BEHIND, Claim(SILENCE, 999_999), BEHIND_WAITS),
    ("what was kept is of the day", BEHIND, Claim(DAY, 10), BEHIND_WAITS),
    ("what a gateway says of itself is of now", BEHIND, Claim(WORD, 10), KNOWN),
    ("what was kept has not reached now: what is over is over", BEHIND, Claim(STATE, over=True), KNOWN),
    # A gateway that came back
    ("what failed before it came back may be over", BACK, Claim(STATE, 899_999), CATCHING_UP),
    ("what failed since is said by what came", BACK, Claim(STATE, 900_000), KNOWN),
    ("silence may have been broken", BACK, Claim(SILENCE, 999_999), CATCHING_UP),
    ("half of a day is no day", BACK, Claim(DAY, 999_999), CATCHING_UP),
    ("what it says of now is of now", BACK, Claim(WORD, 10), KNOWN),
    ("half of what it kept says that it was over too late", BACK, Claim(STATE, over=True), CATCHING_UP),
    ("so with silence", BACK, Claim(SILENCE, over=True), CATCHING_UP),
    ("what it says of now is over", BACK, Claim(WORD, over=True), KNOWN),
    ("offline is the better reason", replace(BACK, is_offline=True), Claim(SILENCE, 1), Waits("village_offline")),
    # Holes in what came
    ("it may have spoken, and only the store knows", UNHEARD, Claim(SILENCE, 949_999), Waits("not_read", 1_015_000)),
    ("it was heard since", UNHEARD, Claim(SILENCE, 950_000), KNOWN),
    ("a state is said by what came", UNHEARD, Claim(STATE, 10), KNOWN),
    ("it spoke again: that was heard", UNHEARD, Claim(SILENCE, over=True), KNOWN),
]


@pytest.mark.parametrize(("facts", "claim", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_certainty(facts: Facts, claim: Claim, expected: Certainty) -> None:
    assert certainty(facts, NOW, claim) == expected
