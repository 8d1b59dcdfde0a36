"""What is held of a person can be shown and erased (UU PDP)."""

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from api.attestations.book import Draft, make
from api.attestations.pictures import encode_anew
from siaga.database import connect, tables, writing
from siaga.database.people import NoSuchPerson
from siaga.database.personal import NAMED_IN
from siaga.model.caller import Role
from siaga.model.scope import EVERYWHERE
from siaga.run.attestations import erase_attestation
from siaga.run.people import add_person, show_person
from siaga.run.settings import Settings
from tests.attestations.photos import jpeg

NOW = 1_795_982_400_000
OF_PEOPLE = ("_by", "person", "actor", "author", "assignee", "recipient")
NOT_A_PERSON = {("report", "superseded_by")}


def test_each_column_that_names_a_person_is_looked_at() -> None:
    named = {
        (table.name, column.name)
        for table in tables.metadata.sorted_tables
        for column in table.columns
        if column.name.endswith(OF_PEOPLE) and table.name != "person"
    }
    looked_at = {(table, column) for table, columns in NAMED_IN.items() for column in columns}
    assert named - NOT_A_PERSON <= looked_at


def test_all_that_is_held_of_somebody_is_shown_and_no_secret(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    link = add_person(settings, "ratih", Role.TECHNICIAN, EVERYWHERE, "Ratih S.")
    add_person(settings, "joko", Role.VIEWER, EVERYWHERE, "")
    engine = connect(settings.database)
    made, _ = make(engine, Draft("35.10.15.2012", "trees", True, date(2026, 11, 1), note="oleh Bu Ratih"), "ratih", NOW)
    comment = {"alert": "a1", "author": "ratih", "time": NOW, "text": "saya datang"}
    alert = {
        "id": "a1", "kind": "facility_failed", "severity": "major", "village": "35.10.15.2012", "subject": "x",
        "began_at": NOW, "raised_at": NOW, "assignee": "joko", "evidence": {}, "flapping": False, "revision": 1,
    }  # fmt: skip
    with writing(engine) as connection:
        connection.execute(insert(tables.alert), [alert])
        connection.execute(insert(tables.alert_comment), [comment])
    engine.dispose()

    shown = show_person(settings, "ratih")
    assert shown.keys() == {"person", "welcome", "attestation", "alert_comment"}
    assert "saya datang" in str(shown["alert_comment"])
    assert "2026-11-29T20:00:00Z" in str(shown["alert_comment"])
    assert made in str(shown)
    assert "hash" not in str(shown)
    assert link.rpartition("/")[2] not in str(shown)
    assert show_person(settings, "joko").keys() == {"person", "welcome", "alert"}
    with pytest.raises(NoSuchPerson):
        show_person(settings, "wati")


def test_note_and_photos_of_an_attestation_can_be_erased_and_its_verdict_stays(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    add_person(settings, "ratih", Role.TECHNICIAN, EVERYWHERE, "")
    engine = connect(settings.database)
    photo = encode_anew(jpeg())
    draft = Draft("35.10.15.2012", "trees", True, date(2026, 11, 1), note="Pak Wahyu", photos=[(photo, "camera")])
    made, _ = make(engine, draft, "ratih", NOW)
    assert erase_attestation(settings, made)
    assert not erase_attestation(settings, "none")
    with engine.connect() as connection:
        assert connection.execute(select(tables.attestation_photo.c.n)).all() == []
        row = connection.execute(select(tables.attestation)).one()
    engine.dispose()
    assert (row.note, row.met, row.date, row.made_by) == ("", True, date(2026, 11, 1), "ratih")
