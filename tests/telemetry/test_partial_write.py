"""However little a server says of a partial write, the refused points are found and all others are stored."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga.model.observation import Point
from siaga.telemetry.influx_connection import PartialWrite
from siaga.telemetry.partial_write import Part, Settlement

FIELDS = ("gate_open", "power", "battery", "received")
WEEK = 10
"""Event times of one shard in these tests."""

Answer = Callable[[str, int], PartialWrite]
"""What a server answers that refused `dropped` points of one week, the first of them for `field`."""
ANSWERS: dict[str, Answer] = {
    "names and counts, as InfluxDB 1 and 2": lambda field, dropped: PartialWrite(
        f'partial write: field type conflict: input field "{field}" … dropped={dropped}', field, dropped
    ),
    "names only": lambda field, _: PartialWrite("field type conflict", field, None),
    "counts only": lambda _, dropped: PartialWrite("partial write", None, dropped),
    "says nothing": lambda *_: PartialWrite("partial write", None, None),
}


class Server:
    """Keeps fields by time; drops a part whole when one of its fields conflicts in its week; tells of one week only."""

    def __init__(self, conflicts: set[tuple[int, str]], answer: Answer) -> None:
        self.stored: set[tuple[int, str]] = set()
        self.requests = 0
        self._conflicts = conflicts
        self._answer = answer

    def write(self, parts: Sequence[Part]) -> PartialWrite | None:
        assert parts, "an empty request"
        self.requests += 1
        assert self.requests < 2_000, "it does not end"
        dropped: dict[int, int] = {}
        named = ""
        for part in parts:
            fields = [*part.point.values, *(["received"] if part.received else [])]
            assert fields, "a line without fields"
            week = part.point.time // WEEK
            if bad := [field for field in fields if (week, field) in self._conflicts]:
                dropped[week] = dropped.get(week, 0) + 1
                named = named or bad[-1]
            else:
                self.stored |= {(part.point.time, field) for field in fields}
        return self._answer(named, next(iter(dropped.values()))) if dropped else None


_signals = st.sets(st.sampled_from(FIELDS[:3]), min_size=1)


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
@given(
    signals=st.lists(_signals, min_size=1, max_size=40),
    conflicts=st.sets(st.tuples(st.integers(0, 3), st.sampled_from(FIELDS[:3]))),
)
def test_what_conflicts_is_refused_and_all_else_is_stored(
    answer: Answer, signals: list[set[str]], conflicts: set[tuple[int, str]]
) -> None:
    server = Server(conflicts, answer)
    points = [Point("v", "d", time, 0, dict.fromkeys(sorted(names), 1.0)) for time, names in enumerate(signals)]
    refused = Settlement(server.write).settle([Part(point) for point in points])
    lost = [(refusal.point.time, field) for refusal in refused for field in refusal.point.values]
    every = {(point.time, field) for point in points for field in point.values}
    assert len(lost) == len(set(lost))
    assert set(lost) == {(time, field) for time, field in every if (time // WEEK, field) in conflicts}
    assert {(time, field) for time, field in server.stored if field != "received"} == every - set(lost)


def test_ten_thousand_conflicts_in_one_week_take_three_requests() -> None:
    server = Server({(0, "power")}, ANSWERS["names and counts, as InfluxDB 1 and 2"])
    parts = [Part(Point("v", f"d{n}", 0, 0, {"power": 1.0, "gate_open": True})) for n in range(10_000)]
    assert len(Settlement(server.write).settle(parts)) == 10_000
    assert server.requests == 3


def test_the_oldest_are_those_beyond_the_retention_policy() -> None:
    def write(parts: Sequence[Part]) -> PartialWrite | None:
        old = sum(part.point.time < 30 for part in parts)
        return PartialWrite("points beyond retention policy", None, old) if old else None

    times = [50, 10, 30, 20, 29, 31]
    parts = [Part(Point("v", "d", time, 0, {"power": 1.0})) for time in times]
    refused = Settlement(write).settle(parts)
    assert sorted(refusal.point.time for refusal in refused) == [10, 20, 29]


def test_a_limit_refuses_whole_points() -> None:
    def write(parts: Sequence[Part]) -> PartialWrite | None:
        over = sum(part.point.device == "new" for part in parts)
        return PartialWrite(f"partial write: max-series-per-database limit exceeded: dropped={over}", None, over)

    refused = Settlement(write).settle([Part(Point("v", "new", 0, 0, {"power": 1.0, "gate_open": True}))])
    assert [refusal.point.values for refusal in refused] == [{"power": 1.0, "gate_open": True}]
