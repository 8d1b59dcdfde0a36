"""What a backup brings back, where, and what is refused."""

import sqlite3
import stat
from pathlib import Path

import pytest
from sqlalchemy import select

from gateway.buffer import Buffer
from siaga.database import connect, tables
from siaga.database.registry import Registry
from siaga.database.tokens import Tokens
from siaga.model.clock import ManualClock
from siaga.model.observation import Point, Reading
from siaga.model.sites import Village
from siaga.model.times import rfc3339
from siaga.run.backup import BadBackup, make_backup, restore_backup, verify_backup
from siaga.run.backup.making import NothingToBackUp
from siaga.run.settings import Settings
from siaga.telemetry.duck import DuckStore
from tests.schema import with_tables
from tests.servers import Postgres

VILLAGE = "35.10.15.2012"
NOW = 1_796_000_000_000
CLOCK = ManualClock(NOW)


def settings(directory: Path, **more: object) -> Settings:
    return Settings(data_dir=directory, **more)  # type: ignore[arg-type] # pydantic checks them


def fill(here: Settings) -> None:
    """Give a data directory some state: a village, a token, marks of an engine, readings, and an unsent reading."""
    here.make_data_dir()
    engine = with_tables(connect(here.database))
    Registry(engine).replace([Village(VILLAGE, "Kampunganyar", -8.2, 114.3, "Asia/Jakarta", ())], NOW)
    Tokens(engine).create("admin", "layar")
    with engine.begin() as connection:
        connection.execute(
            tables.engine_state.insert(),
            [
                {"key": "heard/siaga-alerts-1", "value": {"until": NOW, "settled": True}},
                {"key": "maintenance", "value": []},
            ],
        )
    engine.dispose()
    if here.store.startswith("duckdb:"):
        store = DuckStore.open(here.store)
        store.write([Point(VILLAGE, "gerbang", NOW - 1000, NOW, {"gate_open": True})])
        store.close()
    buffer = Buffer(here.data_dir / "gateway.db")
    buffer.add(VILLAGE, [Reading("gerbang", "gate_open", NOW, False)])
    buffer.commit()
    buffer.close()
    (here.data_dir / "alerts.session").write_text("siaga-alerts-1")


def names(here: Settings) -> list[str]:
    engine = connect(here.database)
    with engine.connect() as connection:
        found = list(connection.execute(select(tables.village.c.name)).scalars())
    engine.dispose()
    return found


def test_everything_comes_back(tmp_path: Path) -> None:
    here, there = settings(tmp_path / "here", sites=tmp_path / "sites.yaml"), settings(tmp_path / "there")
    (tmp_path / "sites.yaml").write_text("villages: []\n")
    fill(here)
    made = make_backup(here, tmp_path / "satu.siaga", CLOCK)
    assert made.manifest.made_at == rfc3339(NOW)
    done = restore_backup(there, tmp_path / "satu.siaga")
    assert done.observations == 1
    assert [path.read_text() for path in done.files] == ["villages: []\n"]
    assert names(there) == ["Kampunganyar"]
    assert (there.data_dir / "alerts.session").read_text() == "siaga-alerts-1"
    store = DuckStore.open(there.store)
    assert store.latest(VILLAGE, "gerbang") == {"gate_open": (NOW - 1000, True)}
    store.close()
    buffer = Buffer(there.data_dir / "gateway.db")
    assert (buffer.readings, buffer.epoch(VILLAGE)) == (1, Buffer(here.data_dir / "gateway.db").epoch(VILLAGE))
    assert not [path for path in there.data_dir.iterdir() if path.name.startswith(".")]


def test_only_the_owner_may_read_what_was_restored(tmp_path: Path) -> None:
    here, there = settings(tmp_path / "here"), settings(tmp_path / "there")
    fill(here)
    here.own_notify.write_text("people: []\nrules: []\n")
    own = here.model_copy(update={"notify": here.own_notify})
    make_backup(own, tmp_path / "satu.siaga", CLOCK)
    done = restore_backup(there, tmp_path / "satu.siaga")
    assert stat.S_IMODE(there.data_dir.stat().st_mode) == 0o700
    assert stat.S_IMODE(there.own_notify.stat().st_mode) == 0o600
    assert (there.own_notify.read_text(), done.files) == ("people: []\nrules: []\n", []), "it is used where it is"


def test_the_restored_engine_reads_from_the_store_what_it_may_have_missed(tmp_path: Path) -> None:
    here, there = settings(tmp_path / "here"), settings(tmp_path / "there")
    fill(here)
    make_backup(here, tmp_path / "satu.siaga", CLOCK)
    restore_backup(there, tmp_path / "satu.siaga")
    engine = connect(there.database)
    with engine.connect() as connection:
        found = {row.key: row.value for row in connection.execute(select(tables.engine_state))}
    engine.dispose()
    assert found == {"heard/siaga-alerts-1": {"until": NOW, "settled": False}, "maintenance": []}


@pytest.mark.servers
def test_it_moves_from_sqlite_to_postgresql_and_back(tmp_path: Path, postgres: Postgres) -> None:
    here = settings(tmp_path / "here")
    there = settings(tmp_path / "there", database_url=postgres.database_url())
    back = settings(tmp_path / "back")
    fill(here)
    make_backup(here, tmp_path / "satu.siaga", CLOCK)
    restore_backup(there, tmp_path / "satu.siaga")
    assert names(there) == ["Kampunganyar"]
    make_backup(there, tmp_path / "dua.siaga", CLOCK)
    restore_backup(back, tmp_path / "dua.siaga")
    assert names(back) == ["Kampunganyar"]
    with pytest.raises(BadBackup, match="the database holds tables already"):
        restore_backup(settings(tmp_path / "again", database_url=there.database), tmp_path / "satu.siaga")
    assert not (tmp_path / "again").exists()


def test_the_backup_of_a_village_s_gateway_has_its_buffer_alone(tmp_path: Path) -> None:
    here, there = settings(tmp_path / "here"), settings(tmp_path / "there")
    here.make_data_dir()
    buffer = Buffer(here.data_dir / "gateway.db")
    buffer.add(VILLAGE, [Reading("gerbang", "gate_open", NOW, False)])
    buffer.commit()  # and goes on to run
    made = make_backup(here, tmp_path / "gw.siaga", CLOCK)
    assert [part.name for part in made.manifest.parts] == ["gateway/gateway.db"]
    assert "a database: there is none here" in made.manifest.left_out
    restore_backup(there, tmp_path / "gw.siaga")
    assert Buffer(there.data_dir / "gateway.db").readings == 1
    buffer.close()


def test_an_outside_store_is_said_to_be_left_out(tmp_path: Path) -> None:
    here = settings(tmp_path / "here", store_url="influxdb://:rahasia@127.0.0.1:9/org/bucket")
    fill(here)
    made = make_backup(here, tmp_path / "satu.siaga", CLOCK)
    assert any(said.startswith("telemetry: it is in an outside store") for said in made.manifest.left_out)
    assert "rahasia" not in made.manifest.model_dump_json()


def test_a_place_that_is_not_empty_is_left_as_it_is(tmp_path: Path) -> None:
    here = settings(tmp_path / "here")
    fill(here)
    make_backup(here, tmp_path / "satu.siaga", CLOCK)
    before = {path.name: path.stat().st_mtime_ns for path in here.data_dir.iterdir()}
    with pytest.raises(BadBackup, match=r"holds a siaga\.db already"):
        restore_backup(here, tmp_path / "satu.siaga")
    assert {path.name: path.stat().st_mtime_ns for path in here.data_dir.iterdir()} == before


def test_a_file_of_the_backup_that_is_there_already_stays_and_no_database_is_loaded(tmp_path: Path) -> None:
    here, there = settings(tmp_path / "here"), settings(tmp_path / "there")
    fill(here)
    (here.data_dir / "notify.yaml").write_text("people: []\nrules: []\n")
    make_backup(here, tmp_path / "satu.siaga", CLOCK)
    there.make_data_dir()
    (there.data_dir / "notify.yaml").write_text("another")
    with pytest.raises(BadBackup, match=r"holds a notify\.yaml already"):
        restore_backup(there, tmp_path / "satu.siaga")
    assert {path.name: path.read_text() for path in there.data_dir.iterdir()} == {"notify.yaml": "another"}


def test_a_damaged_backup_restores_nothing(tmp_path: Path) -> None:
    here, there = settings(tmp_path / "here"), settings(tmp_path / "there")
    fill(here)
    path = tmp_path / "satu.siaga"
    make_backup(here, path, CLOCK)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(BadBackup):
        restore_backup(there, path)
    assert not there.data_dir.exists()


def test_telemetry_of_an_embedded_store_does_not_go_to_an_outside_one(tmp_path: Path) -> None:
    here = settings(tmp_path / "here")
    fill(here)
    make_backup(here, tmp_path / "satu.siaga", CLOCK)
    there = settings(tmp_path / "there", store_url="influxdb://:rahasia@127.0.0.1:9/org/bucket")
    with pytest.raises(BadBackup, match="SIAGA_STORE_URL names another one"):
        restore_backup(there, tmp_path / "satu.siaga")


def test_nothing_is_there(tmp_path: Path) -> None:
    with pytest.raises(NothingToBackUp, match="check SIAGA_DATA_DIR"):
        make_backup(settings(tmp_path / "nowhere"), tmp_path / "x.siaga", CLOCK)
    assert not (tmp_path / "nowhere").exists()
    assert not (tmp_path / "x.siaga").exists()


def test_a_gateway_s_buffer_that_is_no_database_is_a_sentence(tmp_path: Path) -> None:
    here = settings(tmp_path / "here")
    fill(here)
    for path in here.data_dir.glob("gateway.db*"):
        path.unlink()
    (here.data_dir / "gateway.db").write_bytes(b"not a database at all" * 400)
    with pytest.raises(OSError, match=r"the gateway's buffer .* cannot be read"):
        make_backup(here, tmp_path / "satu.siaga", CLOCK)
    assert not list(tmp_path.glob("*.siaga"))


def test_an_extracted_part_is_what_the_buffer_was(tmp_path: Path) -> None:
    here, there = settings(tmp_path / "here"), settings(tmp_path / "there")
    fill(here)
    make_backup(here, tmp_path / "satu.siaga", CLOCK)
    assert verify_backup(tmp_path / "satu.siaga").manifest.schema_revision is not None
    restore_backup(there, tmp_path / "satu.siaga")
    with sqlite3.connect(there.data_dir / "gateway.db") as copied, sqlite3.connect(here.data_dir / "gateway.db") as own:
        question = "SELECT * FROM reading"
        assert copied.execute(question).fetchall() == own.execute(question).fetchall()
