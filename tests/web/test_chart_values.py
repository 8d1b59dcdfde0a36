"""The value of a chart at the pointer, the finger and the arrow keys."""

import pytest
from playwright.sync_api import Browser, Locator, expect

from api.web.chart_values import Run, chart_runs
from api.words import WORDS, Language
from siaga.model.clock import DAY, HOUR, MINUTE
from siaga.model.observation import Point
from siaga.model.signals import SIGNALS
from siaga.telemetry import SeriesPoint
from tests.http.district import NOW, District
from tests.web.kampung import code, fill
from tests.web.test_alerts_live import RATIH, browsing, opened

STEP = 5 * MINUTE
WINDOW = NOW - DAY, NOW


def point(at: int, value: float, low: float | None = None) -> SeriesPoint:
    return SeriesPoint(WINDOW[0] + at * STEP, 1, value if low is None else low, value, value, value)


@pytest.mark.parametrize(
    ("signal", "points", "runs"),
    [
        pytest.param("power", [], [], id="nothing"),
        pytest.param(
            "power",
            [point(0, 5), point(1, 5), point(2, 7.5)],
            [(0, 1, "5\u00a0W"), (2, 2, "7,5\u00a0W")],
            id="the same value is one run",
        ),
        pytest.param(
            "power",
            [point(0, 5), point(3, 5), point(7, 5)],
            [(0, 3, "5\u00a0W"), (7, 7, "5\u00a0W")],
            id="a gap ends it",
        ),
        pytest.param("power", [point(4, 8, low=2)], [(4, 4, "8\u00a0W (2\u00a0W – 8\u00a0W)")], id="what it reached"),
        pytest.param(
            "gate_open",
            [point(0, 1), point(1, 1, low=0), point(2, 0)],
            [(0, 0, "ya"), (1, 1, "tidak – ya"), (2, 2, "tidak")],
            id="a boolean that changed within a step",
        ),
    ],
)
def test_runs(signal: str, points: list[SeriesPoint], runs: list[Run]) -> None:
    assert chart_runs(WORDS[Language.ID], SIGNALS[signal], points, WINDOW, STEP) == runs


def measure(district: District) -> None:
    """An hour of power with a gap, of the first village's gate; it ends ten minutes ago."""
    times = [NOW - HOUR, NOW - 55 * MINUTE, NOW - 15 * MINUTE, NOW - 10 * MINUTE]
    found = zip(times, (10.0, 20.0, 30.0, 40.0), strict=True)
    district.store.write([Point(code(0), "gerbang-1", at, at, {"power": value}) for at, value in found])


def at(chart: Locator, share: float) -> tuple[float, float]:
    box = chart.bounding_box()
    assert box is not None
    return box["x"] + share * box["width"], box["y"] + box["height"] / 2


def test_at_the_pointer_at_a_finger_and_by_arrow_keys(empty: District, browser: Browser) -> None:
    fill(empty, 1)
    measure(empty)
    with empty.served(None, caller=RATIH) as client, browsing(browser, client, has_touch=True) as context:
        page = opened(context, f"/devices/{code(0)}/gerbang-1")
        figure = page.locator("figure[data-key=power]")
        chart, told = figure.get_by_role("slider"), figure.locator(".told")
        chart.scroll_into_view_if_needed()
        height = figure.bounding_box()
        page.mouse.move(*at(chart, 0.1))
        expect(told).to_have_text("11.00: 10\u00a0W")
        page.mouse.move(*at(chart, 0.999))
        expect(told).to_have_text("11.50: 40\u00a0W")
        assert figure.bounding_box() == height, "nothing moves"
        page.mouse.move(5, 5)
        expect(told).to_have_text("")
        page.touchscreen.tap(*at(chart, 0.97))
        expect(told).to_have_text("11.05: 20\u00a0W")
        chart.focus()
        chart.press("Home")
        expect(chart).to_have_attribute("aria-valuetext", "11.00: 10\u00a0W")
        chart.press("ArrowRight")
        chart.press("ArrowRight")
        expect(chart).to_have_attribute("aria-valuetext", "11.45: 30\u00a0W")
        chart.press("ArrowLeft")
        expect(told).to_have_text("11.05: 20\u00a0W")
        chart.press("End")
        chart.press("ArrowRight")
        expect(told).to_have_text("11.50: 40\u00a0W")


def test_on_the_page_of_an_alert_and_over_a_week(empty: District, browser: Browser) -> None:
    fill(empty, 1)
    times = [NOW - 2 * HOUR + n * STEP for n in range(24)]
    empty.store.write([Point(code(0), "gerbang-1", at, at, {"gate_open": at < NOW - HOUR}) for at in times])
    alert = empty.raise_alert(1, village=code(0))
    with empty.served(None, caller=RATIH) as client, browsing(browser, client, locale="en-GB") as context:
        page = opened(context, f"/alerts/{alert}")
        chart = page.get_by_role("slider")
        chart.press("End")
        expect(page.locator(".told")).to_have_text("11:55: no")
        chart.press("Home")
        expect(page.locator(".told")).to_have_text("10:00: yes")
        page.locator("figure summary").click()
        expect(page.locator("figure tbody tr").last).to_contain_text("no")
        page.goto(f"/devices/{code(0)}/gerbang-1?stretch=7d")
        page.get_by_role("slider").first.press("End")
        expect(page.locator(".told").first).to_contain_text("4 Mar, 11:30: ")


def test_without_scripts_it_is_a_picture_with_a_table(empty: District, browser: Browser) -> None:
    fill(empty, 1)
    measure(empty)
    with (
        empty.served(None, caller=RATIH) as client,
        browsing(browser, client, java_script_enabled=False) as context,
    ):
        page = context.new_page()
        page.goto(f"/devices/{code(0)}/gerbang-1")
        figure = page.locator("figure[data-key=power]")
        assert figure.get_by_role("img").count() == 1
        figure.locator("summary").click()
        assert figure.locator("tbody tr").count() == 2


def test_a_chart_is_small(empty: District) -> None:
    """A day of a number that never stays: 288 values."""
    fill(empty, 1)
    times = range(NOW - DAY, NOW, MINUTE)
    empty.store.write([Point(code(0), "gerbang-1", at, at, {"power": at % 977 / 10}) for at in times])
    with empty.served(None, caller=RATIH) as client:
        path = f"/devices/{code(0)}/gerbang-1"
        with client.stream("GET", path, headers={"Accept-Encoding": "gzip"}) as answer:
            assert sum(map(len, answer.iter_raw())) < 20_000
