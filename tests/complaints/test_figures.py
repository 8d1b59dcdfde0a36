"""Figures of complaints: number, contradicting, medians."""

from api.complaints.figures import ComplaintFigures, figures_of
from api.queries.complaints import Dated


def said(facility: str, at: int, seen: int | None = None, ended: int | None = None, *, against: bool = False) -> Dated:
    return Dated("35.10.15.2012", facility, "gate", at, seen, ended, against)


def test_each_facility_has_its_number_and_its_medians_the_most_often_first() -> None:
    found = figures_of(
        [
            said("lampu", 5),
            said("gerbang", 10, 11, 20, against=True),
            said("gerbang", 20, 23, 90),
            said("gerbang", 30, 35),
            said("gerbang", 40, against=True),
        ]
    )
    assert found == [
        ComplaintFigures("35.10.15.2012", "gerbang", "gate", 4, 2, 3, 10),
        ComplaintFigures("35.10.15.2012", "lampu", "gate", 1, 0, None, None),
    ]
