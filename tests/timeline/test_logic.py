"""Kleene's three-valued logic, as whole tables."""

from itertools import product

import pytest

from siaga.timeline.logic import Ternary, all_of, any_of, first_of

T, F, U = True, False, None

TABLE: list[tuple[Ternary, Ternary, Ternary, Ternary, Ternary]] = [
    # one, other, all of, any of, first known of
    (T, T, T, T, T),
    (T, F, F, T, T),
    (T, U, U, T, T),
    (F, T, F, T, F),
    (F, F, F, F, F),
    (F, U, F, U, F),
    (U, T, U, T, T),
    (U, F, F, U, F),
    (U, U, U, U, U),
]


@pytest.mark.parametrize(("one", "other", "both", "either", "first"), TABLE)
def test_two_values(one: Ternary, other: Ternary, both: Ternary, either: Ternary, first: Ternary) -> None:
    assert all_of([one, other]) is both
    assert any_of([one, other]) is either
    assert first_of([one, other]) is first


def test_three_values_are_two_and_one() -> None:
    for one, two, three in product((T, F, U), repeat=3):
        assert all_of([one, two, three]) is all_of([all_of([one, two]), three])
        assert any_of([one, two, three]) is any_of([any_of([one, two]), three])
        assert first_of([one, two, three]) is first_of([first_of([one, two]), three])


def test_of_nothing() -> None:
    assert all_of([]) is True
    assert any_of([]) is False
    assert first_of([]) is None
