"""30 days drawn: what a day of several facilities comes to, and how high the parts of a column are."""

import re
from datetime import date

import pytest

from api.queries.months import DAYS, FacilityMonth, VillageMonth
from api.web.month_strip import HEIGHT, column_strip, letters, month_strip, worst_of
from api.words import WORDS, Language
from siaga.model.clock import HOUR
from siaga.timeline.availability import Availability
from siaga.timeline.spans import State
from siaga.timeline.verdict import Verdict

MET, MISSED, UNJUDGED, NOT_REQUIRED = Verdict.MET, Verdict.MISSED, Verdict.UNJUDGED, Verdict.NOT_REQUIRED
TODAY = date(2026, 3, 4)
WORDS_ID = WORDS[Language.ID]


def facility(*days: Verdict | None, kind: str = "gate") -> FacilityMonth:
    """A facility whose first day goes on until the others, which are the last."""
    whole = (days[0],) * (DAYS - len(days)) + days
    return FacilityMonth(kind, whole, Availability(met=9 * HOUR, failed=HOUR), None)


def village(*facilities: FacilityMonth) -> VillageMonth:
    return VillageMonth.of(TODAY, {str(number): one for number, one in enumerate(facilities)})


@pytest.mark.parametrize(
    ("days", "comes_to"),
    [
        ((MET, MET), MET),
        ((MET, MISSED), MISSED),
        ((UNJUDGED, MISSED), MISSED),
        ((MET, UNJUDGED), UNJUDGED),
        ((NOT_REQUIRED, MET), MET),
        ((NOT_REQUIRED, UNJUDGED), UNJUDGED),
        ((NOT_REQUIRED, NOT_REQUIRED), NOT_REQUIRED),
        ((None, MET), MET),
        ((None, NOT_REQUIRED), NOT_REQUIRED),
        ((None, None), None),
    ],
    ids=lambda value: "-".join(str(one) for one in value) if isinstance(value, tuple) else str(value),
)
def test_a_day_of_several_facilities(days: tuple[Verdict | None, ...], comes_to: Verdict | None) -> None:
    assert worst_of([(day,) for day in days]) == (comes_to,)


def test_a_strip_begins_where_the_facility_was_there_and_joins_equal_days() -> None:
    found = month_strip(WORDS_ID, facility(None, UNJUDGED, UNJUDGED, MET))
    assert {stroke.state: stroke.path for stroke in found.strokes} == {
        State.UNKNOWN: "M27 4h2V12h-2z",
        State.MET: "M29 4h1V12h-1z",
    }
    assert found.described == "30 hari: 1 hari terpenuhi, 2 hari tidak diketahui"
    assert found.share == "90\u00a0%"
    assert letters(facility(None, UNJUDGED, UNJUDGED, MET).days) == "-" * 27 + "uum"


def parts(*days: Verdict | None) -> dict[str, tuple[int, int]]:
    """What the last column of facilities with these last days is made of: top and bottom by state."""
    strip = column_strip(WORDS_ID, [village(*(facility(NOT_REQUIRED, day) for day in days))])
    assert strip is not None
    found = {}
    for stroke in strip.strokes:
        if stroke.state is State.MET:
            assert stroke.path == "M29 12h1"
            found["met"] = (0, HEIGHT)  # what is not met is drawn over it
            continue
        match = re.fullmatch(r"M29\.5 (\d+)V(\d+)", stroke.path)
        assert match is not None, stroke.path
        found[stroke.state.value] = int(match[1]), int(match[2])
    return found


@pytest.mark.parametrize(
    ("days", "drawn"),
    [
        ([MET] * 4, {"met": (0, 24)}),
        ([MISSED] * 4, {"failed": (0, 24)}),
        ([UNJUDGED] * 4, {"unknown": (0, 24)}),
        ([MET, MET, MISSED, MISSED], {"met": (0, 24), "failed": (0, 12)}),
        ([MET, MISSED, UNJUDGED, MET], {"met": (0, 24), "failed": (0, 6), "unknown": (6, 12)}),
        ([MISSED, *[MET] * 999], {"met": (0, 24), "failed": (0, 1)}),
        ([UNJUDGED, *[MET] * 999], {"met": (0, 24), "unknown": (0, 1)}),
        ([MET, *[MISSED] * 999], {"met": (0, 24), "failed": (0, 23)}),
        ([UNJUDGED, *[MISSED] * 999], {"failed": (0, 23), "unknown": (23, 24)}),
        ([MET, UNJUDGED, *[MISSED] * 999], {"met": (0, 24), "failed": (0, 22), "unknown": (22, 23)}),
        ([NOT_REQUIRED, None], {}),
    ],
    ids=["all met", "all missed", "all unknown", "halves", "three", "one missed", "one unknown", "one met",
         "one unknown, the others missed", "one of each", "nothing asked"],
)  # fmt: skip
def test_each_part_of_a_column_is_seen(days: list[Verdict | None], drawn: dict[str, tuple[int, int]]) -> None:
    assert parts(*days) == drawn


def test_of_no_facilities_there_is_no_strip() -> None:
    assert column_strip(WORDS_ID, [village()]) is None
