"""Durations are what people write: a whole number and a unit."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siaga.model.clock import DAY, HOUR, MINUTE, SECOND
from siaga.model.durations import LONGEST, NotADuration, format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("30s", 30 * SECOND), ("5m", 5 * MINUTE), ("2h", 2 * HOUR), ("90d", 90 * DAY), ("0s", 0), ("007m", 7 * MINUTE)],
)
def test_what_is_a_duration(text: str, milliseconds: int) -> None:
    assert parse_duration(text) == milliseconds


@pytest.mark.parametrize(
    "text",
    ["", "5", "m", "1 minute", "5 m", "5m ", "-5m", "1.5h", "5M", "1h30m", "٣m", "5m\n", "1e3s", "4000d", "9" * 99],
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(NotADuration):
        parse_duration(text)


@given(st.integers(0, LONGEST // SECOND))
@settings(max_examples=100, deadline=None)
def test_a_duration_is_written_as_it_is_read(seconds: int) -> None:
    assert parse_duration(format_duration(seconds * SECOND)) == seconds * SECOND


@pytest.mark.parametrize(("milliseconds", "text"), [(90_000, "90s"), (5 * MINUTE, "5m"), (2 * DAY, "2d"), (0, "0s")])
def test_the_shortest_way_to_write_it(milliseconds: int, text: str) -> None:
    assert format_duration(milliseconds) == text
