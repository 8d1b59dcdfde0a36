"""What to visit next, on both databases."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Engine

from api.attestations.book import Draft, make, sent_before, withdraw
from api.queries.visits import Reason, Visit, visits
from siaga.database import connect
from siaga.database.registry import Registry
from siaga.model.indicators import INDICATORS
from siaga.model.scope import Scopes
from tests.http.district import GLAGAH, LICIN, NOW, villages
from tests.schema import with_tables


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    url = f"sqlite:///{tmp_path / 'siaga.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres").database_url()
    engine = connect(url)
    with_tables(engine)
    Registry(engine).replace(villages(), NOW)
    yield engine
    engine.dispose()


def listed(engine: Engine, *scopes: str) -> list[Visit]:
    with engine.connect() as connection:
        return list(visits(connection, Scopes.of(scopes or ["*"]), NOW))


def attest(engine: Engine, indicator: str, day: date, village: str = GLAGAH, name: str | None = None) -> str:
    return make(engine, Draft(village, indicator, True, day, name=name), "budi", NOW)[0]


def test_what_is_missing_has_expired_or_soon_will(engine: Engine) -> None:
    """Today is 4 March: what is of 19 December expires on 19 March, in 15 days; of 18 December in 14."""
    attest(engine, "playground", date(2025, 12, 19))
    attest(engine, "reading_corner", date(2025, 12, 18))
    attest(engine, "trees", date(2025, 12, 4))
    attest(engine, "night_guard", date(2025, 12, 5))
    withdraw(engine, attest(engine, "toilet", date(2026, 3, 1)), "budi", NOW)
    found = {visit.indicator: visit.reason for visit in listed(engine, GLAGAH)}
    assert "playground" not in found
    assert (found["reading_corner"], found["trees"], found["night_guard"], found["toilet"]) == (
        Reason.EXPIRING,
        Reason.EXPIRED,
        Reason.EXPIRING,
        Reason.MISSING,
    )
    assert found.keys() == INDICATORS.keys() - {"playground"}
    assert found["gate"] is found["free_wifi"] is Reason.UNJUDGED, "devices are there, and say nothing"


@pytest.mark.parametrize(
    ("met", "by", "day", "reason"),
    [
        pytest.param(False, "wahyu", date(2026, 2, 20), Reason.CONTRADICTED, id="somebody else saw the opposite"),
        pytest.param(True, "wahyu", date(2026, 2, 20), None, id="somebody else saw the same"),
        pytest.param(False, "budi", date(2026, 2, 20), None, id="it changed, says who made both"),
        pytest.param(False, "wahyu", date(2026, 2, 14), None, id="more than two weeks before"),
        pytest.param(False, "wahyu", date(2026, 3, 2), Reason.CONTRADICTED, id="after it: the later one counts"),
    ],
)
def test_what_two_people_saw_differently(engine: Engine, met: bool, by: str, day: date, reason: Reason | None) -> None:
    attest(engine, "trees", date(2026, 3, 1))
    make(engine, Draft(GLAGAH, "trees", met, day), by, NOW)
    found = {visit.indicator: visit.reason for visit in listed(engine, GLAGAH)}
    assert found.get("trees") is reason


def test_by_sub_district_village_and_number_as_far_as_the_caller_sees(engine: Engine) -> None:
    found = [(visit.subdistrict, visit.village.code, INDICATORS[visit.indicator].number) for visit in listed(engine)]
    assert found == sorted(found)
    assert {code for _, code, _ in found} == {GLAGAH, LICIN}
    assert {visit.village.code for visit in listed(engine, "35.10.16")} == {LICIN}
    assert listed(engine, "35.10.17") == []


def test_the_name_of_a_draft_is_of_who_made_it(engine: Engine) -> None:
    made = attest(engine, "trees", date(2026, 3, 1), name="a1b2c3d4")
    assert (sent_before(engine, "budi", "a1b2c3d4"), sent_before(engine, "wahyu", "a1b2c3d4")) == (made, None)
    assert attest(engine, "trees", date(2026, 3, 1), name="a1b2c3d4") == made


def test_one_that_waits_for_a_second_person_leaves_the_one_before_as_it_was(engine: Engine) -> None:
    attest(engine, "trees", date(2025, 11, 1))
    make(engine, Draft(GLAGAH, "trees", True, date(2026, 3, 1), needs_review=True), "wahyu", NOW)
    (found,) = [visit for visit in listed(engine, GLAGAH) if visit.indicator == "trees"]
    assert found.reason is Reason.EXPIRED
    assert found.last is not None
    assert found.last.expires == date(2026, 1, 30)
    assert found.waits == date(2026, 3, 1), "who plans the round sees that nobody has to go there"


def test_what_waits_is_said_where_it_would_count(engine: Engine) -> None:
    for day in (date(2025, 10, 1), date(2026, 2, 1), date(2026, 2, 20)):  # the first has expired
        make(engine, Draft(GLAGAH, "trees", True, day, needs_review=True), "wahyu", NOW)
    assert {visit.waits for visit in listed(engine, GLAGAH) if visit.indicator == "trees"} == {date(2026, 2, 20)}
    assert {visit.waits for visit in listed(engine, LICIN)} == {None}
