"""The scorecard: the 14 indicators, and what each comes to, as a truth table."""

from datetime import date, timedelta

import pytest

from api.attestations.counting import Attestation
from api.attestations.scorecard import Cell, Evidence, make_scorecard
from api.complaints.box import Box
from siaga.model.clock import MINUTE
from siaga.model.sites import Adapter, Device, Facility, Village
from siaga.timeline.verdict import Verdict

DAY = date(2026, 3, 3)
MET, MISSED, UNJUDGED, NOT_REQUIRED = Verdict.MET, Verdict.MISSED, Verdict.UNJUDGED, Verdict.NOT_REQUIRED
SENSED, ATTESTED, NONE = Evidence.SENSED, Evidence.ATTESTED, Evidence.NONE
ANSWERED = Evidence.COMPLAINTS
DEVICES = (Device("d", Adapter.SENML, MINUTE),)


def village(*facilities: Facility) -> Village:
    return Village("35.10.15.2012", "Kampunganyar", -8.19, 114.3, "Asia/Jakarta", facilities)


def cell(
    kind: str,
    facilities: dict[str, dict[int, Verdict]],
    attestations: list[Attestation] | None = None,
    *,
    devices: bool = True,
    box: Box | None = None,
) -> Cell:
    """One cell of a scorecard. The verdicts are by how many days they lie before the date."""
    made = [Facility(name, kind, name, DEVICES if devices else ()) for name in facilities]
    verdicts = {
        name: [(DAY - timedelta(days=back), verdict) for back, verdict in found.items()]
        for name, found in facilities.items()
    }
    found = make_scorecard(village(*made), DAY, verdicts, attestations or [], box)
    return next(one for one in found.cells if one.indicator.kind == kind)


SENSED_CASES = [
    ("no day at all", {"a": {}}, UNJUDGED, None),
    ("met", {"a": {0: MET}}, MET, 0),
    ("missed", {"a": {0: MISSED}}, MISSED, 0),
    ("unjudged", {"a": {0: UNJUDGED}}, UNJUDGED, 0),
    ("nothing was required: the day before", {"a": {0: NOT_REQUIRED, 1: NOT_REQUIRED, 2: MISSED}}, MISSED, 2),
    ("the latest day alone", {"a": {0: MET, 1: MISSED}}, MET, 0),
    ("an unjudged day is a day", {"a": {0: UNJUDGED, 1: MET}}, UNJUDGED, 0),
    ("the seventh day still tells", {"a": {6: MET}}, MET, 6),
    ("the eighth does not", {"a": {7: MISSED}}, UNJUDGED, None),
    ("a day after the date does not", {"a": {-1: MISSED, 1: MET}}, MET, 1),
    ("one of two missed", {"a": {0: MET}, "b": {3: MISSED}}, MISSED, 3),
    ("all met", {"a": {0: MET}, "b": {3: MET}}, MET, 0),
    ("one is not judged", {"a": {0: MET}, "b": {3: UNJUDGED}}, UNJUDGED, 3),
    ("missed outweighs unjudged", {"a": {0: UNJUDGED}, "b": {0: MISSED}}, MISSED, 0),
    ("one without a day does not count", {"a": {2: MET}, "b": {0: NOT_REQUIRED}}, MET, 2),
    ("none with a day", {"a": {0: NOT_REQUIRED}, "b": {}}, UNJUDGED, None),
]


@pytest.mark.parametrize(
    ("facilities", "verdict", "back"), [row[1:] for row in SENSED_CASES], ids=[row[0] for row in SENSED_CASES]
)
def test_a_sensed_indicator(facilities: dict[str, dict[int, Verdict]], verdict: Verdict, back: int | None) -> None:
    seen = Attestation(1, "a1", "gate", False, DAY, DAY + timedelta(days=90), 0)
    found = cell("gate", facilities, [seen])
    assert (found.verdict, found.evidence, found.attestation, found.expires) == (verdict, SENSED, None, None)
    assert found.day == (None if back is None else DAY - timedelta(days=back))
    assert [facility.id for facility in found.facilities] == list(facilities)


def seen(met: bool, back: int, lasts: int = 90, *, withdrawn: bool = False) -> Attestation:
    on = DAY - timedelta(days=back)
    return Attestation(1, "a1", "trees", met, on, on + timedelta(days=lasts), 0, 9 if withdrawn else None)


ATTESTED_CASES = [
    ("none", [], UNJUDGED, NONE, None),
    ("met", [seen(True, 0)], MET, ATTESTED, 0),
    ("not met", [seen(False, 3)], MISSED, ATTESTED, 3),
    ("the last day before it expires", [seen(True, 89)], MET, ATTESTED, 89),
    ("expired", [seen(True, 90)], UNJUDGED, NONE, None),
    ("withdrawn", [seen(True, 1, withdrawn=True)], UNJUDGED, NONE, None),
    ("of a later date", [seen(True, -1)], UNJUDGED, NONE, None),
]


@pytest.mark.parametrize(
    ("attestations", "verdict", "evidence", "back"),
    [row[1:] for row in ATTESTED_CASES],
    ids=[row[0] for row in ATTESTED_CASES],
)
@pytest.mark.parametrize("facilities", [{}, {"pohon": {0: MISSED}}], ids=["no facility", "one without devices"])
def test_an_attested_indicator(
    facilities: dict[str, dict[int, Verdict]],
    attestations: list[Attestation],
    verdict: Verdict,
    evidence: Evidence,
    back: int | None,
) -> None:
    found = cell("trees", facilities, attestations, devices=False)
    assert (found.verdict, found.evidence) == (verdict, evidence)
    assert found.day == (None if back is None else DAY - timedelta(days=back))
    assert found.attestation == (None if back is None else "a1")
    assert found.expires == (None if found.day is None else found.day + timedelta(days=90))
    assert [facility.id for facility in found.facilities] == list(facilities)


def test_an_attestation_of_one_indicator_says_nothing_of_another() -> None:
    found = make_scorecard(village(), DAY, {}, [seen(True, 0)])
    assert [one.indicator.kind for one in found.cells if one.verdict is MET] == ["trees"]
    assert (found.count(MET), found.count(MISSED), found.count(UNJUDGED)) == (1, 0, 13)


def test_what_is_sensed_as_a_rule_is_attested_where_no_device_senses_it() -> None:
    gate = Attestation(1, "a1", "gate", True, DAY, DAY + timedelta(days=90), 0)
    found = make_scorecard(village(Facility("gerbang", "gate", "Gerbang")), DAY, {}, [gate])
    assert (found.cells[6].indicator.kind, found.cells[6].verdict, found.cells[6].evidence) == ("gate", MET, ATTESTED)


def test_all_fourteen_stand_in_it_by_their_numbers_and_in_both_languages() -> None:
    """The programme's list; contract, section 5."""
    cells = make_scorecard(village(), DAY, {}, []).cells
    assert [(one.indicator.number, one.indicator.kind) for one in cells] == [
        (1, "free_wifi"), (2, "playground"), (3, "reading_corner"), (4, "trees"), (5, "night_guard"), (6, "toilet"),
        (7, "gate"), (8, "poverty_task_force"), (9, "public_information"), (10, "lactation_room"),
        (11, "office_lighting"), (12, "disability_home"), (13, "it_service"), (14, "complaints_box"),
    ]  # fmt: skip
    for language in ("name_id", "name_en"):
        assert len({getattr(one.indicator, language) for one in cells}) == 14


def box_seen(met: bool) -> Attestation:
    return Attestation(1, "a1", "complaints_box", met, DAY, DAY + timedelta(days=90), 0)


WEEK = 7
BOX_CASES: list[tuple[str, list[Attestation], Box | None, Verdict, Evidence]] = [
    ("nobody complained", [], None, UNJUDGED, NONE),
    ("without the rule", [], Box(4, 4, 1, None), UNJUDGED, NONE),
    ("all answered in time", [], Box(4, 4, WEEK, WEEK), MET, ANSWERED),
    ("one still waits, but not too long", [], Box(4, 3, WEEK, WEEK), MET, ANSWERED),
    ("one waited too long", [], Box(4, 4, WEEK + 1, WEEK), MISSED, ANSWERED),
    ("none is answered yet", [], Box(4, 0, WEEK, WEEK), UNJUDGED, NONE),
    ("an attestation decides", [box_seen(False)], Box(4, 4, WEEK, WEEK), MISSED, ATTESTED),
    ("the other way round, too", [box_seen(True)], Box(4, 0, WEEK + 1, WEEK), MET, ATTESTED),
]


@pytest.mark.parametrize(
    ("attestations", "box", "verdict", "evidence"), [row[1:] for row in BOX_CASES], ids=[row[0] for row in BOX_CASES]
)
def test_a_complaints_box_that_answers(
    attestations: list[Attestation], box: Box | None, verdict: Verdict, evidence: Evidence
) -> None:
    found = cell("complaints_box", {}, attestations, devices=False, box=box)
    assert (found.verdict, found.evidence, found.box) == (verdict, evidence, box)
    assert found.day == (None if evidence is NONE else DAY)
    assert cell("trees", {}, [], devices=False, box=box).box is None
