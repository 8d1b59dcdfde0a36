"""Reminders before an attestation expires: when, about what, to whom, and each once."""

from datetime import date, timedelta

import pytest
from sqlalchemy import Engine

from api.attestations.book import Draft, make, withdraw
from api.attestations.counting import Attestation
from api.notifications.book import Book, Outside, Person, Rule
from api.notifications.reminders import Reminders, Stage, reminders_of
from api.notifications.rules import told_of_village
from siaga.database import tables
from siaga.database.registry import Registry
from siaga.model.clock import DAY, HOUR, MINUTE
from siaga.model.sites import Adapter, Device, Facility, Village
from siaga.timeline.schedule import parse_schedule

NOW = 1_772_600_400_000
"""2026-03-04, a Wednesday, noon in western Indonesia."""
TODAY = date(2026, 3, 4)
CODE = "35.10.15.2012"
VILLAGE = Village(CODE, "Kampunganyar", -8.19, 114.30, "Asia/Jakarta", (
    Facility("gerbang", "gate", "Gerbang", (Device("g", Adapter.SENML, MINUTE),)),
))  # fmt: skip


def seen(expires: int, *, number: int = 1, on: int = -90, indicator: str = "trees", gone: bool = False,
         waits: bool = False) -> Attestation:  # fmt: skip
    """An attestation that expires so many days after today."""
    return Attestation(number, f"a{number}", indicator, True, TODAY + timedelta(days=on),
                       TODAY + timedelta(days=expires), 0, 1 if gone else None, waits)  # fmt: skip


@pytest.mark.parametrize(
    ("made", "stage"),
    [
        pytest.param([], None, id="nothing was attested"),
        pytest.param([seen(15)], None, id="in 15 days: too early"),
        pytest.param([seen(14)], Stage.SOON, id="in 14 days"),
        pytest.param([seen(1)], Stage.SOON, id="tomorrow: made up for, where the machine was off"),
        pytest.param([seen(0)], Stage.TODAY, id="today"),
        pytest.param([seen(-7)], Stage.TODAY, id="a week ago: made up for"),
        pytest.param([seen(-8)], None, id="over a week ago: too late"),
        pytest.param([seen(14, gone=True)], None, id="withdrawn"),
        pytest.param([seen(14), seen(80, number=2, on=-10)], None, id="seen again since"),
        pytest.param([seen(0), seen(80, number=2, on=-10, waits=True)], Stage.TODAY,
                     id="seen again, but nobody has confirmed it"),
        pytest.param([seen(0), seen(80, number=2, on=-10, gone=True)], Stage.TODAY, id="seen again, and withdrawn"),
        pytest.param([seen(14, indicator="gate")], None, id="devices sense it now"),
    ],
)  # fmt: skip
def test_when_somebody_is_reminded(made: list[Attestation], stage: Stage | None) -> None:
    assert [one.stage for one in reminders_of(VILLAGE, made, TODAY)] == ([] if stage is None else [stage])


def test_what_expires_on_one_day_is_one_reminder() -> None:
    made = [seen(14), seen(14, number=2, indicator="playground"), seen(3, number=3, indicator="toilet")]
    found = [(one.expires, one.indicators) for one in reminders_of(VILLAGE, made, TODAY)]
    assert found == [(date(2026, 3, 7), ("toilet",)), (date(2026, 3, 18), ("playground", "trees"))]


def book(*rules: Rule) -> Book:
    people = {name: Person(name, "id", {"mail": "json://127.0.0.1:9/"}) for name in ("wahyu", "dewi")}
    return Book(people, {}, rules, link="https://siaga.example.go.id")


NIGHT = parse_schedule(("Mon-Sun 18:00-06:00",))


@pytest.mark.parametrize(
    ("rule", "after"),
    [
        pytest.param(Rule("all", ("wahyu",)), 0, id="a rule for everything"),
        pytest.param(Rule("glagah", ("wahyu",), ("35.10.15*",)), 0, id="for the sub-district"),
        pytest.param(Rule("other", ("wahyu",), ("35.10.16*",)), None, id="for another"),
        pytest.param(Rule("kinds", ("wahyu",), kinds=frozenset({"gateway_buffer"})), None, id="for a kind of alert"),
        pytest.param(Rule("grave", ("wahyu",), severities=frozenset({"critical"})), None, id="for what is critical"),
        pytest.param(Rule("warned", ("wahyu",), severities=frozenset({"warning"})), 0, id="for warnings"),
        pytest.param(Rule("night", ("wahyu",), hours=NIGHT, outside=Outside.SKIP), 6 * HOUR, id="waits for its hours"),
    ],
)
def test_who_is_reminded(rule: Rule, after: int | None) -> None:
    found = {str(recipient): at - NOW for recipient, at in told_of_village(book(rule), VILLAGE, "warning", NOW).items()}
    assert found == ({} if after is None else {"wahyu/mail": after})


def test_a_reminder_is_made_once_for_each_person_and_stage(engine: Engine) -> None:
    Registry(engine).replace([VILLAGE], NOW)
    made, _ = make(engine, Draft(CODE, "trees", True, date(2025, 12, 18)), "budi", NOW)
    to_all = book(Rule("all", ("wahyu", "dewi")))
    assert [Reminders(engine, to_all).remind(NOW + day * DAY) for day in (-1, 0, 0, 1, 13, 14, 14, 20)] == [
        0, 2, 0, 0, 0, 2, 0, 0,
    ]  # fmt: skip
    with engine.connect() as connection:
        rows = connection.execute(tables.notification.select().order_by(tables.notification.c.id)).all()
    assert [row.recipient for row in rows] == ["wahyu/mail", "dewi/mail"] * 2
    assert rows[0].subject == {
        "title": "Kampunganyar: atestasi segera kedaluwarsa, 18 Maret 2026",
        "body": f"- Sedekah oksigen\nhttps://siaga.example.go.id/attest/{CODE}",
    }
    assert rows[2].subject["title"] == "Kampunganyar: atestasi kedaluwarsa hari ini, 18 Maret 2026"
    withdraw(engine, made, "budi", NOW)
    other = book(Rule("all", ("wahyu",)))
    assert Reminders(engine, other).remind(NOW + 14 * DAY) == 0
