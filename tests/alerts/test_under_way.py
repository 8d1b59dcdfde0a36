"""Which batches the store may lack, and until when a successor waits for them."""

from hypothesis import given
from hypothesis import strategies as st

from api.alerts.under_way import GIVES_UP, SETTLE, Inheritance, UnderWay

OLD, NEW = "epoch 1", "epoch 2"


@given(st.lists(st.tuples(st.sampled_from(["take", "store", "pass"]), st.integers(1, 8)), max_size=60))
def test_what_was_taken_and_not_stored_is_under_way(steps: list[tuple[str, int]]) -> None:
    """A batch is taken once, and stored once or more, before or after; time passes in between."""
    batches, taken, stored = UnderWay(), set(), set()
    for step, seq in steps:
        if step == "pass":
            batches.age()
        elif step == "store":
            batches.remove(("gw", OLD, seq))
            stored.add(seq)
        elif seq not in taken:
            batches.add(("gw", OLD, seq))
            taken.add(seq)
        found = {seq for _, _, first, end in batches.ranges() for seq in range(first, end)}
        assert found == taken - stored
        assert bool(batches) is bool(found)


def test_one_that_was_stored_before_the_next_look_does_not_last() -> None:
    batches = UnderWay()
    batches.add(("gw", OLD, 1))
    assert not batches.lasting
    batches.remove(("gw", OLD, 1))
    batches.age()
    assert not batches.lasting
    batches.add(("gw", OLD, 2))
    batches.age()
    assert batches.lasting


def test_a_gateway_with_a_new_buffer_sends_nothing_of_its_old_one() -> None:
    batches = UnderWay([("gw", OLD, 3, 9), ("gw-2", OLD, 1, 2)])
    batches.add(("gw", NEW, 1))
    batches.remove(("gw", NEW, 1))
    batches.age()
    assert batches.ranges() == [("gw-2", OLD, 1, 2)]


def test_it_is_waited_until_all_that_was_missing_is_stored_or_no_more_of_it_comes() -> None:
    inherited = Inheritance(0, UnderWay([("gw", OLD, 1, 4)]))
    assert inherited.over_at(None) is None, "the centre stores nothing"
    assert inherited.over_at(100) == 100 + GIVES_UP, "it stores, but nothing of this village"
    inherited.stored(("gw", OLD, 9), 200)
    assert inherited.over_at(100) == 200 + SETTLE, "it stores what is new"
    inherited.stored(("gw", OLD, 1), 300)
    inherited.stored(("gw", OLD, 10), 400)
    assert inherited.over_at(100) == 300 + SETTLE, "one that was missing came"
    inherited.accounted(("gw", OLD, 2), 500)
    inherited.stored(("gw", OLD, 3), 600)
    assert inherited.over_at(100) == 0, "all of them came"
    inherited.over = True
    assert inherited.over_at(100) is None
