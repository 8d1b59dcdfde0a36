"""The values of a chart as a table."""

import pytest

from api.web.chart_table import ROWS, chart_rows
from api.words import WORDS, Language
from siaga.model.clock import DAY, HOUR, MINUTE
from siaga.model.signals import SIGNALS
from siaga.telemetry import SeriesPoint
from tests.http.district import NOW

ZONE = "Asia/Jakarta"
WINDOW = NOW - DAY, NOW


def point(ago: int, value: float, *, low: float | None = None) -> SeriesPoint:
    return SeriesPoint(NOW - ago, 1, value if low is None else low, value, value, value)


@pytest.mark.parametrize(
    ("signal", "points", "rows"),
    [
        pytest.param("power", [], [], id="nothing measured"),
        pytest.param(
            "power",
            [point(3 * HOUR, 5, low=2), point(3 * HOUR - MINUTE, 7.5), point(MINUTE, 4)],
            [("09.00 WIB", "2\u00a0W – 7,5\u00a0W"), ("11.00 WIB", "4\u00a0W")],
            id="a number by the hour, where it was measured",
        ),
        pytest.param(
            "gate_open",
            [point(4 * HOUR, 1), point(3 * HOUR, 1), point(2 * HOUR, 0), point(HOUR, 1)],
            [("08.00 WIB", "ya"), ("10.00 WIB", "tidak"), ("11.00 WIB", "ya")],
            id="a boolean where it changes",
        ),
        pytest.param(
            "checkin",
            [point(2 * HOUR, 1), point(HOUR, 1)],
            [("10.00 WIB", WORDS[Language.ID]("value_event")), ("11.00 WIB", WORDS[Language.ID]("value_event"))],
            id="an event each time",
        ),
    ],
)
def test_rows(signal: str, points: list[SeriesPoint], rows: list[tuple[str, str]]) -> None:
    assert chart_rows(WORDS[Language.ID], SIGNALS[signal], points, WINDOW, ZONE, NOW) == rows


def test_there_are_never_more_rows_than_fit() -> None:
    many = [point(DAY - n * 5 * MINUTE, n % 2) for n in range(288)]
    for signal in ("power", "gate_open", "checkin"):
        assert len(chart_rows(WORDS[Language.ID], SIGNALS[signal], many, WINDOW, ZONE, NOW)) == ROWS
