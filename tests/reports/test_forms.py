"""The forms: what only one of them has to get right, and that what is made twice is the same twice."""

import csv
import datetime
import io
from fractions import Fraction

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.utils import get_column_letter
from openpyxl.utils.escape import unescape

from api.reports.columns import OUTAGE_COLUMNS, ROW_COLUMNS
from api.reports.figures import Figures, Share
from api.reports.period import parse_period
from api.reports.report import Report, build
from api.reports.sheets import as_xlsx
from api.reports.source import FacilityHistory, Source, VillageHistory
from api.reports.table import as_csv, harmless
from api.words import WORDS, Language
from siaga.model.clock import DAY, HOUR
from siaga.model.scope import Scopes
from siaga.model.sites import Facility, Village
from siaga.timeline.availability import Availability
from siaga.timeline.spans import Span, State
from tests.reports.histories import World, worlds

NOW = 1_772_600_400_000
"""2026-03-04T05:00:00Z."""
MARCH = NOW - NOW % DAY - 3 * DAY - 7 * HOUR
"""2026-03-01, midnight in western Indonesia."""


def small(name: str = "Gerbang", *, failed: int = 0, before: Availability | None = None) -> Report:
    village = Village("35.10.15.2012", "Kampunganyar", -8.2, 114.3, "Asia/Jakarta")
    spans = [
        Span(MARCH, MARCH + failed, State.FAILED, "gate_open"),
        Span(MARCH + failed, 2**62, State.MET),
    ]
    history = FacilityHistory(Facility("gerbang", "gate", name), spans[not failed :], MARCH, before=before)
    source = Source([VillageHistory(village, [history], NOW)])
    return build(source, parse_period("2026-03"), Scopes.of("*"), Language.EN, NOW)


@pytest.mark.parametrize("name", ["=1+1", "+62 811", "-1", "@SUM(A1)", "\tx", "\r=1", "＝1+1", " =1+1"])
def test_a_text_that_begins_like_a_formula_is_none(name: str) -> None:
    (line, *_) = csv.DictReader(io.StringIO(as_csv(small(name)).decode(), newline=""))
    assert line["name"] == f"'{name}"
    book = openpyxl.load_workbook(io.BytesIO(as_xlsx(small("=1+1"))))
    cell = book["Facilities"]["C2"]
    assert (cell.value, cell.data_type) == ("=1+1", "s")


@pytest.mark.parametrize("name", ["<r>&</r>", "<b>a</b> & co", " spasi ", "_x0041_x0042_", "a\x01b\uffff", "Ω 🙂"])
def test_a_name_in_a_sheet_is_read_back_as_it_is(name: str) -> None:
    """A text that begins and ends like a rich one would be written as it is by XlsxWriter alone."""
    cell = openpyxl.load_workbook(io.BytesIO(as_xlsx(small(name)))).worksheets[0]["C2"]
    assert unescape(str(cell.value)) == name


@pytest.mark.parametrize("name", ["Gerbang, kantor", 'Pos "Utara"', "dua\nbaris", "Balai — Ünicode", "1+1=2", "'a"])
def test_any_other_text_comes_back_as_it_was(name: str) -> None:
    (line, *_) = csv.DictReader(io.StringIO(as_csv(small(name)).decode(), newline=""))
    assert line["name"] == name == harmless(name)
    book = openpyxl.load_workbook(io.BytesIO(as_xlsx(small(name))))
    assert book["Facilities"]["C2"].value == name


@pytest.mark.parametrize(
    ("part", "whole", "decimals", "cut"),
    [
        (98_996, 100_000, 4, 0.9899),
        (99_999_999, 100_000_000, 4, 0.9999),
        (1, 1, 4, 1.0),
        (0, 5, 4, 0.0),
        (1, 3, 4, 0.3333),
        (29, 100, 2, 0.29),
        (5, 0, 4, None),
    ],
)
def test_a_share_is_cut_and_not_rounded(part: int, whole: int, decimals: int, cut: float | None) -> None:
    assert Share(part, whole).cut(decimals) == cut


def test_one_per_cent_of_a_month_is_seven_hours_and_twelve_minutes() -> None:
    """Of 720 h required; ten of them failed. What is excused counts on neither side."""
    hour = 3_600_000
    figures = Figures(1, Availability(met=708 * hour, failed=12 * hour, excused_failed=2 * hour))
    assert figures.budget(Fraction("0.99")).whole == Fraction(718 * 36)
    whole = Figures(1, Availability(met=710 * hour, failed=10 * hour)).budget(Fraction("0.99"))
    assert whole.whole == 7 * 3600 + 12 * 60
    assert whole.left == 7 * 3600 + 12 * 60 - 36_000


def test_a_budget_that_is_overspent_stays_a_duration_that_can_be_read() -> None:
    """Excel shows a negative time as #####: below zero its format is a number of days."""
    book = openpyxl.load_workbook(io.BytesIO(as_xlsx(small(failed=10 * HOUR))))
    sheet = book["Facilities"]
    place = [cell.value for cell in sheet[1]].index("Budget left") + 1
    assert sheet.cell(2, place).number_format == '[h]:mm:ss;-0.00" days"'
    assert isinstance(sheet.cell(2, place).value, datetime.timedelta)
    coloured = [str(found.sqref) for found in sheet.conditional_formatting]
    assert any(where.startswith(get_column_letter(place)) for where in coloured)
    assert (sheet.freeze_panes, sheet.print_title_rows) == ("D2", "$1:$1")


def test_the_change_against_an_earlier_period_stands_on_a_sheet_of_its_own() -> None:
    """90 % before; all of the gate's 84 hours but ten now."""
    before = Availability(met=90 * HOUR, failed=10 * HOUR)
    book = openpyxl.load_workbook(io.BytesIO(as_xlsx(small(failed=10 * HOUR, before=before))))
    heading, line, *_ = list(book["Change"].values)
    shown = dict(zip(heading, line, strict=True))
    assert shown["Judged since"] == datetime.datetime(2026, 3, 1)  # noqa: DTZ001 - a cell has no zone
    assert (shown["Availability in this period"], shown["Availability February 2026"]) == (0.8809, 0.9)
    assert (shown["Change from February 2026"], shown["Change of failed time from February 2026"]) == (
        -0.0191,
        datetime.timedelta(0),
    )
    assert "Change" not in openpyxl.load_workbook(io.BytesIO(as_xlsx(small()))).sheetnames


@pytest.mark.parametrize("language", list(Language))
def test_no_two_columns_of_a_sheet_have_one_heading(language: Language) -> None:
    for columns in (ROW_COLUMNS, OUTAGE_COLUMNS):
        assert len({WORDS[language](f"column_{name}") for name in columns}) == len(columns)


@given(worlds(("2026-W45",)), st.sampled_from(list(Language)))
@settings(max_examples=6)
def test_the_sheets_hold_the_seconds_of_the_report(world: World, language: Language) -> None:
    report = build(world.source, world.period, Scopes.of("*"), language, world.now * 1000)
    made = as_xlsx(report)
    assert made == as_xlsx(report), "the same report gives the same bytes"
    book = openpyxl.load_workbook(io.BytesIO(made), data_only=True)
    required = list(ROW_COLUMNS).index("required_s")
    seconds = [round(_seconds(line[required])) for sheet in book.worksheets[:9] for line in list(sheet.values)[1:]]
    assert seconds == [row.figures.availability.required // 1000 for row in report.rows]


def _seconds(cell: object) -> float:
    if isinstance(cell, datetime.timedelta):
        return cell.total_seconds()
    if isinstance(cell, datetime.time):
        return datetime.timedelta(hours=cell.hour, minutes=cell.minute, seconds=cell.second).total_seconds()
    assert isinstance(cell, int | float)
    return cell * 86_400
