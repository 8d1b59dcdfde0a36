"""What becomes one message: the truth table, and what holds for any alerts in any order."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.notifications.book import Recipient
from api.notifications.digest import MANY, Item, Notice, What, drafts, new_of
from tests.notifications.desk import NOON
from tests.notifications.test_rules import ALERT

OVER = replace(ALERT, cleared_at=NOON)


def notice(type_: str, *, rose: bool = False, grew: bool = False) -> Notice:
    return Notice(1, ALERT.id, ALERT.village, type_, NOON, rose, grew)


GREW = notice("updated", grew=True)
R, U, C, ROSE = notice("raised"), notice("updated"), notice("cleared"), notice("updated", rose=True)


@pytest.mark.parametrize(
    ("over", "notices", "told_before", "expected"),
    [
        pytest.param(False, [R], False, What.RAISED, id="raised"),
        pytest.param(
            False, [R, U], False, What.RAISED, id="raised and acknowledged within the minute: told all the same"
        ),
        pytest.param(True, [R, C], False, What.RAISED, id="raised and cleared within the minute: told once"),
        pytest.param(True, [C], True, What.CLEARED, id="cleared, goes where raised went"),
        pytest.param(True, [C], False, None, id="cleared, and nobody had been told"),
        pytest.param(False, [U], True, None, id="acknowledged, assigned or commented"),
        pytest.param(False, [U], False, None, id="commented, and nobody had been told"),
        pytest.param(False, [ROSE], True, What.WORSE, id="graver"),
        pytest.param(
            False, [ROSE], False, What.RAISED, id="graver, and nobody had been told: a rule may be for it now"
        ),
        pytest.param(False, [GREW], True, What.RAISED, id="more villages: told to those who were not told"),
        pytest.param(False, [GREW], False, What.RAISED, id="more villages, and nobody had been told"),
        pytest.param(False, [GREW, ROSE], True, What.WORSE, id="more villages, and somebody had acknowledged fewer"),
        pytest.param(True, [GREW, C], False, None, id="more villages and over, and nobody had been told"),
        pytest.param(False, [R], True, What.WORSE, id="raised once more, as after it was acknowledged"),
        pytest.param(True, [ROSE, C], True, What.CLEARED, id="graver and cleared within the minute"),
        pytest.param(True, [ROSE, C], False, None, id="graver and cleared, and nobody had been told"),
        pytest.param(True, [U], True, None, id="commented after the end"),
        pytest.param(True, [U], False, None, id="commented after the end, and nobody had been told"),
    ],
)
def test_what_the_notices_of_an_alert_come_to(
    over: bool, notices: list[Notice], told_before: bool, expected: What | None
) -> None:
    assert new_of(OVER if over else ALERT, notices, told_before) == expected


def item(alert: str = "a", village: str = "v", what: What = What.RAISED, to: str = "ratih", due: int = 0) -> Item:
    return Item(alert, village, what, "major", Recipient(to, "web"), due, "because", "1")


@st.composite
def items(draw: st.DrawFn) -> list[Item]:
    """Alerts of some villages, each with one due; they may be told for several reasons at once."""
    found = []
    for number in draw(st.lists(st.integers(0, 15), max_size=30)):
        to, what = draw(st.sampled_from(["ratih", "joko"])), draw(st.sampled_from(What))
        found.append(item(f"a{number}", f"v{number // 2}", what, to, number % 2))
    return found


@settings(max_examples=200)
@given(items())
def test_everything_is_told_once_to_whom_it_concerns_and_in_as_few_messages_as_may_be(told: list[Item]) -> None:
    made = drafts(told)
    pairs = [(one.recipient, one.due, one.alert) for draft in made for one in draft.items]
    by_village = {(one.recipient, one.due, one.village) for one in told}
    assert {(one.recipient, one.due, one.alert) for one in told} == set(pairs)
    for draft in made:
        assert {(one.recipient, one.due) for one in draft.items} == {(draft.recipient, draft.due)}
        assert len({one.alert for one in draft.items}) == len(draft.items)
        assert draft.village is None or {one.village for one in draft.items} == {draft.village}
    for recipient, due in {(draft.recipient, draft.due) for draft in made}:
        mine = [draft for draft in made if (draft.recipient, draft.due) == (recipient, due)]
        villages = len({village for to, when, village in by_village if (to, when) == (recipient, due)})
        assert len(mine) == (villages if villages <= MANY else 1)
    assert len({draft.key for draft in made}) == len(made)


@settings(max_examples=100)
@given(items())
def test_the_key_does_not_depend_on_the_order(told: list[Item]) -> None:
    distinct = list({(one.recipient, one.due, one.alert): one for one in told}.values())
    other = list(reversed(distinct))
    assert {draft.key for draft in drafts(distinct)} == {draft.key for draft in drafts(other)}


def test_a_message_says_of_an_alert_what_weighs_most() -> None:
    (draft,) = drafts([item(what=What.CLEARED), item(what=What.ESCALATED), item(what=What.RAISED)])
    assert [one.what for one in draft.items] == [What.ESCALATED]


def test_the_same_told_at_another_time_is_another_message() -> None:
    once, again = drafts([item()]), drafts([replace(item(), mark="2")])
    assert once[0].key != again[0].key
