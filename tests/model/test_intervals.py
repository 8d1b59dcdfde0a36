"""Sets of stretches, against the same sets counted point by point."""

from hypothesis import given
from hypothesis import strategies as st

from siaga.model.intervals import Interval, clip, intersect, merge, stretches, subtract, total

anything = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=6)


def points(intervals: list[Interval]) -> set[int]:
    return {point for start, end in intervals for point in range(start, end)}


def is_a_set(intervals: list[Interval]) -> bool:
    edges = [edge for interval in intervals for edge in interval]
    return edges == sorted(set(edges))


@given(anything, anything, st.integers(0, 30), st.integers(0, 30))
def test_sets_of_stretches(one: list[Interval], other: list[Interval], start: int, end: int) -> None:
    a, b = merge(one), merge(other)
    assert is_a_set(a)
    assert points(a) == points(one)
    assert total(a) == len(points(one))
    for found, expected in (
        (intersect(a, b), points(a) & points(b)),
        (subtract(a, b), points(a) - points(b)),
        (merge([*a, *b]), points(a) | points(b)),
    ):
        assert is_a_set(found)
        assert points(found) == expected
    if start < end:
        assert points(clip(a, start, end)) == points(a) & set(range(start, end))


@given(st.sets(st.integers(0, 60)), st.integers(1, 10))
def test_a_stretch_from_each_time(times: set[int], length: int) -> None:
    found = stretches(sorted(times), length)
    assert is_a_set(found)
    assert points(found) == {time + n for time in times for n in range(length)}
