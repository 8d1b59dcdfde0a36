"""Alerts that have cleared, dated anew: a table of spans in minutes, and when the alert was told to have been."""

import pytest

from api.alerts.redating import redated
from siaga.model.clock import MINUTE
from siaga.timeline.judge import Span, State
from siaga.timeline.span_algebra import FOREVER

Minutes = tuple[float, float]
FAILED, MET, UNKNOWN = State.FAILED, State.MET, State.UNKNOWN

TABLE: dict[str, tuple[list[tuple[float, State]], Minutes, Minutes]] = {
    "as it was told": ([(0, MET), (10, FAILED), (30, MET)], (10, 30), (10, 30)),
    "it was over before": ([(10, FAILED), (30, MET)], (10, 50), (10, 30)),
    "it was met before, but not for its recovery": (
        [(10, FAILED), (30, MET), (31, FAILED), (40, MET)],
        (10, 50),
        (10, 40),
    ),
    "nobody knows of a while before it was met": ([(10, FAILED), (30, UNKNOWN), (45, MET)], (10, 50), (10, 45)),
    "it was over later": ([(10, FAILED), (60, MET)], (10, 50), (10, 50)),
    "it has not been met at all": ([(10, FAILED)], (10, 50), (10, 50)),
    "it had begun before": ([(5, FAILED), (30, MET)], (10, 30), (5, 30)),
    "both": ([(5, FAILED), (30, MET)], (20, 50), (5, 30)),
    "it did not fail then": ([(0, MET), (20, FAILED), (30, MET)], (10, 30), (10, 10)),
}


@pytest.mark.parametrize(("parts", "told", "dated"), TABLE.values(), ids=TABLE)
def test_dated_anew(parts: list[tuple[float, State]], told: Minutes, dated: Minutes) -> None:
    starts = [round(start * MINUTE) for start, _ in parts]
    spans = [
        Span(start, end, state, None, excused=False)
        for start, end, (_, state) in zip(starts, [*starts[1:], FOREVER], parts, strict=True)
    ]
    began, ended = (round(time * MINUTE) for time in told)
    times = redated(spans, (began, ended), 100 * MINUTE, grace=5 * MINUTE, recovery=2 * MINUTE)
    assert times == tuple(round(time * MINUTE) for time in dated)
