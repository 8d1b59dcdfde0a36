"""Every database gets its tables: an empty one, siaga's own, or one that others open at the same time."""

import json
import subprocess
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, inspect, select, text
from sqlalchemy.exc import IntegrityError

from siaga.database import BadDatabaseUrl, UnknownSchema, connect, migrate, tables, writing
from siaga.database.upgrade import upgrade

ALERT = {
    "kind": "facility_failed",
    "severity": "major",
    "village": "35.10.15.2012",
    "subject": "35.10.15.2012/gerbang",
    "began_at": 1,
    "raised_at": 2,
    "evidence": {"since": 1, "signals": ["gate_open"]},
    "revision": 1,
}


def test_the_migrations_make_exactly_the_tables_that_the_code_knows(engine: Engine) -> None:
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), tables.metadata) == []


def test_migrating_again_changes_nothing_and_keeps_what_is_there(engine: Engine) -> None:
    with writing(engine) as connection:
        connection.execute(tables.engine_state.insert().values(key="watermark", value={"time": 1}))
    migrate(engine)
    with engine.connect() as connection:
        assert connection.execute(select(tables.engine_state.c.value)).scalar() == {"time": 1}
        assert connection.execute(select(tables.registry_version.c.version)).scalar() == 0


def test_processes_that_start_at_once_all_find_the_tables(database_url: str, empty: Engine) -> None:
    program = f"from siaga.database import connect, migrate; migrate(connect({database_url!r}))"

    def start(_: int) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-W", "error", "-c", program]
        return subprocess.run(command, cwd=Path.cwd(), capture_output=True, text=True, check=False, timeout=240)

    with ThreadPoolExecutor(4) as pool:
        for ended in pool.map(start, range(4)):
            assert ended.returncode == 0, ended.stderr
    assert "span" in inspect(empty).get_table_names()


def test_a_database_of_a_newer_version_is_left_alone(engine: Engine) -> None:
    with writing(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(UnknownSchema, match="schema 9999"):
        migrate(engine)


def test_a_subject_has_one_open_alert_of_a_kind_and_any_number_of_cleared_ones(engine: Engine) -> None:
    with writing(engine) as connection:
        for number in range(3):
            connection.execute(tables.alert.insert().values(ALERT | {"id": f"old{number}", "cleared_at": 3}))
        connection.execute(tables.alert.insert().values(ALERT | {"id": "open"}))
    with pytest.raises(IntegrityError), writing(engine) as connection:
        connection.execute(tables.alert.insert().values(ALERT | {"id": "second"}))
    with writing(engine) as connection:
        connection.execute(tables.alert.update().where(tables.alert.c.id == "open").values(cleared_at=4))
        connection.execute(tables.alert.insert().values(ALERT | {"id": "second"}))


def test_event_ids_only_grow_even_after_the_newest_was_deleted(engine: Engine) -> None:
    event = {"alert": "a", "type": "raised", "time": 1, "document": {}}
    with writing(engine) as connection:
        connection.execute(tables.alert.insert().values(ALERT | {"id": "a"}))
        for _ in range(2):
            connection.execute(tables.alert_event.insert().values(event))
        connection.execute(tables.alert_event.delete().where(tables.alert_event.c.id == 2))
        connection.execute(tables.alert_event.insert().values(event))
        assert connection.execute(select(tables.alert_event.c.id)).scalars().all() == [1, 3]


def test_two_that_read_and_then_write_wait_for_each_other_and_lose_nothing(engine: Engine) -> None:
    with writing(engine) as connection:
        connection.execute(tables.engine_state.insert().values(key="count", value=0))
    row = tables.engine_state.c.key == "count"

    def count(_: int) -> None:
        for _ in range(25):
            with writing(engine) as connection:
                now = connection.execute(select(tables.engine_state.c.value).where(row).with_for_update()).scalar_one()
                connection.execute(tables.engine_state.update().where(row).values(value=now + 1))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(count, range(4)))
    with engine.connect() as connection:
        assert connection.execute(select(tables.engine_state.c.value)).scalar_one() == 100


def test_a_failed_change_leaves_nothing(engine: Engine) -> None:
    with pytest.raises(IntegrityError), writing(engine) as connection:
        connection.execute(tables.engine_state.insert(), [{"key": key, "value": 1} for key in ("half", "same", "same")])
    with engine.connect() as connection:
        assert connection.execute(select(tables.engine_state)).all() == []


@pytest.mark.parametrize("url", ["mysql://u:s3cret@h/db", "s3cret", "", "http://u:s3cret@h/"])
def test_another_database_is_refused_without_showing_the_password(url: str) -> None:
    with pytest.raises(BadDatabaseUrl) as refused:
        connect(url)
    assert "s3cret" not in str(refused.value)


def test_what_the_engine_heard_last_had_taken_is_what_partition_0_has(empty: Engine) -> None:
    """Before leases, each engine had an inbox and snapshots under the name of its session."""
    upgrade(empty, "0014")
    shared = {"since": 5, "devices": {"g-1": 6}, "facilities": {"gerbang": "f"}, "unfinished": [[1, 2]]}
    snapshots = {("last", "a"): b"mine", ("other", "a"): pack({}), ("other", "b"): pack(shared | {"start": 7})}
    heard = {"last": 30, "other": 20, "rebuild": 40}
    with writing(empty) as connection:
        for number, ((name, village), state) in enumerate(snapshots.items()):
            connection.execute(
                text("INSERT INTO village_snapshot VALUES (:name, :village, 10, :state)"),
                {"name": name, "village": village, "state": state},
            )
            connection.execute(
                text("INSERT INTO inbox VALUES (:name, :number, :village, 'gw', 'batch', 11, :state)"),
                {"name": name, "number": number, "village": f"{village} {name}", "state": state},
            )
        values: dict[str, object] = {
            **{f"heard/{name}": {"until": until, "settled": True} for name, until in heard.items()},
            "maintenance": ["m"],
            "waits/a": ["x"],
        }
        connection.execute(
            tables.engine_state.insert(), [{"key": key, "value": value} for key, value in values.items()]
        )
    migrate(empty)
    with empty.connect() as connection:
        kept = {row.village: bytes(row.state) for row in connection.execute(select(tables.village_snapshot))}
        taken = [(row.village, row.number, row.received) for row in connection.execute(select(tables.inbox))]
        values = {row.key: row.value for row in connection.execute(select(tables.engine_state))}
        leases = [tuple(row)[:3] for row in connection.execute(select(tables.engine_lease))]
    assert kept.pop("a") == b"mine"
    assert {village: json.loads(zlib.decompress(packed)) for village, packed in kept.items()} == {"b": shared}
    assert taken == [("a last", 0, 11)]
    assert values == {
        "alerts_session": "last",
        "heard/0": {"until": 30, "settled": True},
        "maintenance/0": ["m"],
        "waits/a": ["x"],
    }
    assert leases == [(0, 1, 0)]


def pack(snapshot: dict[str, object]) -> bytes:
    return zlib.compress(json.dumps(snapshot).encode())
