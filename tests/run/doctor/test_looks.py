"""What the doctor finds, by breaking it: no server is needed for these."""

import http.server
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from importlib.metadata import version
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert, text

from api.words import WORDS, Language
from siaga.database import connect, tables, writing
from siaga.database.leases import Free, Leases
from siaga.database.registry import Registry
from siaga.database.self_probe import ProbeResult, write_result
from siaga.model.clock import DAY, HOUR, Clock, ManualClock, SystemClock
from siaga.model.sites import Village
from siaga.run.doctor import backups, database, examination, files, machine, service, store
from siaga.run.doctor.finding import Finding, State
from siaga.run.settings import Settings
from tests.schema import with_tables
from tests.telemetry.stand_in import Reply, StandIn

NOW = round(datetime(2026, 11, 29, 12, 0).astimezone().timestamp() * 1000)
VILLAGES = [Village(f"35.10.15.20{n:02}", f"Desa {n}", -8.2, 114.3, "Asia/Jakarta", ()) for n in range(1, 6)]
NOTIFY = """
people:
  - {name: ratih, channels: {telegram: "json://127.0.0.1:9/x"}}
rules:
  - {name: semua, tell: [ratih]}
"""
Look = Callable[[Settings, Clock], Iterator[Finding]]


def settings(directory: Path, **more: object) -> Settings:
    return Settings(data_dir=directory, **more)  # type: ignore[arg-type] # pydantic checks them


def seen(look: Look, here: Settings, now: int = NOW) -> dict[str, str]:
    """Returns what a look says, as `state said` by id. Each sentence can be said in both languages."""
    found = {}
    for each in look(here, ManualClock(now)):
        for language in Language:
            assert each.text(WORDS[language])
            assert (each.remedy(WORDS[language]) is None) == (each.state is State.OK)
        assert each.id not in found
        found[each.id] = f"{each.state.value} {each.said.value}"
    return found


@pytest.fixture
def here(tmp_path: Path) -> Settings:
    """A data directory that only its owner can read."""
    (tmp_path / "data").mkdir(mode=0o700)
    return settings(tmp_path / "data")


@pytest.fixture
def engine(here: Settings) -> Iterator[Engine]:
    """The database of that directory: five villages with holidays, one admin, nothing refused."""
    engine = with_tables(connect(here.database))
    Registry(engine).replace(VILLAGES, NOW)
    yield engine
    engine.dispose()


# The machine


def test_the_data_directory(here: Settings) -> None:
    assert seen(machine.look, here)["data_dir"] == "ok data_dir_ok"
    here.data_dir.chmod(0o755)
    assert seen(machine.look, here)["data_dir"] == "warning data_dir_open"
    here.data_dir.rmdir()
    assert seen(machine.look, here)["data_dir"] == "wrong data_dir_absent"
    here.data_dir.write_text("a file")
    assert seen(machine.look, here)["data_dir"] == "wrong data_dir_closed"


@pytest.mark.parametrize(
    ("free", "said"), [(5 << 30, "ok disk_ok"), (500 << 20, "warning disk_low"), (50 << 20, "wrong disk_full")]
)
def test_the_disk(here: Settings, monkeypatch: pytest.MonkeyPatch, free: int, said: str) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: _Usage(free))
    assert seen(machine.look, here)["disk"] == said


class _Usage:
    def __init__(self, free: int) -> None:
        self.free = free


def test_a_clock_that_was_never_set(here: Settings) -> None:
    assert seen(machine.look, here, now=1000)["clock"] == "wrong clock_waits"
    assert seen(machine.look, here)["clock"] in ("ok clock_ok", "unknown clock_unknown")


# Files


def test_files_that_are_absent_or_wrong_or_open_to_all(tmp_path: Path) -> None:
    sites, notify = tmp_path / "sites.yaml", tmp_path / "notify.yaml"
    here = settings(tmp_path, sites=sites, notify=notify)
    assert seen(files.look, here) == {"sites": "wrong file_bad", "notify": "wrong file_bad"}
    sites.write_text("villages: []\n")
    notify.write_text(NOTIFY)
    notify.chmod(0o640)
    assert seen(files.look, here) == {"sites": "ok file_ok", "notify": "ok file_ok"}
    sites.write_text("vilages: []\n")
    notify.chmod(0o644)
    found = seen(files.look, here)
    assert found == {"sites": "wrong file_bad", "notify": "ok file_ok", "notify_mode": "warning file_open"}


# The service


@contextmanager
def answering(status: int, body: bytes) -> Iterator[int]:
    """Serve one answer to all. Yields the port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            for name, value in HEADERS.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


HEADERS: dict[str, str] = {}


@contextmanager
def headers(given: Mapping[str, str]) -> Iterator[None]:
    HEADERS.update(given)
    yield
    HEADERS.clear()


def test_a_service_that_is_ready_not_ready_or_absent(here: Settings) -> None:
    with answering(200, b'{"status":"ready"}') as port:
        assert seen(service.look, here.model_copy(update={"http_port": port}))["service"] == "ok service_ok"
    with answering(503, b'{"detail":"store: it is away"}') as port:
        [found, *_] = service.look(here.model_copy(update={"http_port": port}), SystemClock())
        assert "store: it is away" in found.text(WORDS[Language.EN])
        assert found.state is State.WRONG
    with answering(404, b"<html>") as port:
        assert seen(service.look, here.model_copy(update={"http_port": port}))["service"] == "unknown unknown"
    assert seen(service.look, here.model_copy(update={"http_port": port}))["service"] == "wrong service_absent"


def test_pages_that_are_open_to_all_without_https(here: Settings) -> None:
    def of(**more: object) -> str:
        return seen(service.look, here.model_copy(update={"http_port": 1, **more}))["pages"]

    assert of() == "ok pages_ok"
    assert of(http_host="0.0.0.0") == "warning pages_plain"
    assert of(http_host="0.0.0.0", public_url="https://siaga.example.go.id") == "ok pages_ok"
    assert of(http_host="0.0.0.0", public_url="http://siaga.example.go.id") == "warning pages_plain"


def test_a_village_s_machine_has_a_gateway_and_neither_pages_nor_a_database(here: Settings) -> None:
    there = here.model_copy(update={"village": "35.10.15.2001"})
    assert seen(service.look, there) == {"service": "wrong gateway_absent"}
    assert seen(database.look, there) == {}
    assert seen(backups.look, there) == {}


# The database


def database_of(here: Settings) -> dict[str, str]:
    return seen(database.look, here)


def test_a_database_that_is_not_there_yet(here: Settings) -> None:
    assert database_of(here) == {"database": "wrong database_absent"}
    assert not list(here.data_dir.iterdir()), "nothing was made"


def test_villages_that_were_never_heard_are_named(here: Settings, engine: Engine) -> None:
    heard = [{"village": each.code, "link": "online", "last_arrival": NOW} for each in VILLAGES[:1]]
    with writing(engine) as connection:
        connection.execute(insert(tables.village_state), heard)
    found = {each.id: each for each in database.look(here, ManualClock(NOW))}["villages"]
    assert found.state is State.WARNING
    assert found.text(WORDS[Language.EN]) == (
        "4 villages were never heard: Desa 2 (35.10.15.2002), Desa 3 (35.10.15.2003), Desa 4 (35.10.15.2004), … +1."
    )


def test_a_district_without_villages_admins_holidays_or_messages(here: Settings) -> None:
    with_tables(connect(here.database)).dispose()
    assert database_of(here) == {
        "database": "ok database_ok",
        "leaders": "wrong leaders_absent",
        "villages": "warning villages_none",
        "gateways": "ok gateways_ok",
        "holidays": "ok holidays_ok",
        "people": "warning people_no_admin",
        "quarantine": "ok quarantine_ok",
        "channels": "warning channels_none",
        "self_probe": "warning self_probe_old",
    }


def test_two_gateways_of_one_name_and_one_of_another_version(here: Settings, engine: Engine) -> None:
    def said(version: str | None, twin_at: int | None) -> dict[str, str]:
        row = {"village": VILLAGES[0].code, "gateway": "gw", "last_arrival": NOW, "version": version}
        with writing(engine) as connection:
            connection.execute(tables.gateway_state.delete())
            connection.execute(insert(tables.gateway_state), [row | {"twin_at": twin_at}])
        found = seen(database.look, here)
        return {name: each for name, each in found.items() if name.startswith("gateway")}

    assert said(None, None) == {"gateways": "ok gateways_ok"}
    assert said(version("siaga"), NOW - 2 * DAY) == {"gateways": "ok gateways_ok"}
    assert said("0.0.9", NOW - HOUR) == {
        "gateways": "wrong gateways_twins",
        "gateway_versions": "warning gateways_other",
    }


def test_a_partition_that_nobody_leads_is_named(here: Settings, engine: Engine) -> None:
    leases = Leases(engine, "one", 2)
    leases.deal_anew(lambda *_: None)
    assert leases.take(1, Free()) is not None
    found = {each.id: each for each in database.look(here, ManualClock(NOW))}["leaders"]
    assert found.text(WORDS[Language.EN]).startswith("No alert engine leads partition 0 of the villages")
    assert leases.take(0, Free()) is not None
    assert database_of(here)["leaders"] == "ok leaders_ok"


def test_holidays_of_another_year_do_not_count(here: Settings, engine: Engine) -> None:
    assert database_of(here)["holidays"] == "warning holidays_none"
    nyepi = frozenset({date(2026, 3, 19)})
    with_holiday = [replace(village, holidays=nyepi) for village in VILLAGES]
    Registry(engine).replace(with_holiday, NOW)
    assert database_of(here)["holidays"] == "ok holidays_ok"
    assert seen(database.look, here, NOW + 60 * DAY)["holidays"] == "warning holidays_none"


def test_what_was_refused_within_a_day(here: Settings, engine: Engine) -> None:
    row = {"time": NOW - 2 * DAY, "topic": "a", "reason": "b", "bytes": "c", "label": "unknown_device"}
    with writing(engine) as connection:
        connection.execute(insert(tables.quarantine), [row])
    assert database_of(here)["quarantine"] == "ok quarantine_ok"
    with writing(engine) as connection:
        connection.execute(insert(tables.quarantine), [row | {"time": NOW - HOUR}])
    assert database_of(here)["quarantine"] == "warning quarantine_fills"


def test_channels_that_nothing_ever_went_through(here: Settings, engine: Engine, tmp_path: Path) -> None:
    notify = tmp_path / "notify.yaml"
    notify.write_text(NOTIFY)
    notify.chmod(0o600)
    here = here.model_copy(update={"notify": notify})
    assert database_of(here)["channels"] == "warning channels_unproved"
    message = {"provider": "p", "created": NOW, "due": NOW, "attempts": 1, "recipient": "ratih/telegram"}
    with writing(engine) as connection:
        connection.execute(insert(tables.notification), [message | {"key": "1", "state": "dead"}])
    assert database_of(here)["channels_given_up"] == "wrong channels_given_up"
    with writing(engine) as connection:
        connection.execute(insert(tables.notification), [message | {"key": "2", "state": "sent"}])
    assert database_of(here)["channels"] == "ok channels_ok"


def test_an_admin_counts_once_there_is_a_password(here: Settings, engine: Engine) -> None:
    row = {"name": "ratih", "display_name": "", "role": "admin", "scopes": ["*"], "created_at": NOW}
    with writing(engine) as connection:
        connection.execute(insert(tables.person), [row])
    assert database_of(here)["people"] == "warning people_no_admin"
    with writing(engine) as connection:
        connection.execute(text("UPDATE person SET password_hash = 'x'"))
    assert database_of(here)["people"] == "ok people_ok"


@pytest.mark.parametrize(
    ("revision", "said"), [("0001", "warning database_old"), ("9999", "wrong database_newer")], ids=["older", "newer"]
)
def test_a_database_of_another_version(here: Settings, engine: Engine, revision: str, said: str) -> None:
    with writing(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})
    assert database_of(here) == {"database": said}


def test_a_damaged_database(here: Settings, engine: Engine) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    file = here.data_dir / "siaga.db"
    content = bytearray(file.read_bytes())
    content[8192 : 8192 + 20_000] = b"\xff" * 20_000
    file.write_bytes(bytes(content))
    assert database_of(here)["database"] in ("wrong database_damaged", "wrong database_down")


# The store and the backup


def test_the_embedded_store_and_an_influxdb_that_is_away(here: Settings) -> None:
    assert seen(store.look, here) == {"store": "ok store_embedded"}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    away = here.model_copy(update={"store_url": settings(here.data_dir, store_url=url(port)).store_url})
    assert seen(store.look, away) == {"store": "wrong store_absent"}


def url(port: int) -> str:
    return f"influxdb://siaga:rahasia@127.0.0.1:{port}/-/siaga"


def test_influxdb_3_core_and_a_refusal(here: Settings) -> None:
    core = {"X-Influxdb-Version": "3.8.0", "X-Influxdb-Build": "Core"}
    with headers(core), answering(200, b'{"results":[{}]}') as port:
        there = here.model_copy(update={"store_url": settings(here.data_dir, store_url=url(port)).store_url})
        assert seen(store.look, there) == {"store": "warning store_core"}
    with answering(401, b'{"error":"authorization failed"}') as port:
        there = here.model_copy(update={"store_url": settings(here.data_dir, store_url=url(port)).store_url})
        [found] = store.look(there, SystemClock())
        assert found.state is State.WRONG
        assert "rahasia" not in found.text(WORDS[Language.ID])


def test_a_bucket_of_influxdb_2_that_is_not_there_and_one_that_may_not_be_seen(here: Settings) -> None:
    with StandIn(version="2.7.0") as server:
        there = settings(here.data_dir, store_url=server.url("influxdb://:token@HOST/org/db"))
        server.write = lambda _: Reply(404, {"code": "not found", "message": 'bucket "db" not found'})
        assert seen(store.look, there) == {"store": "wrong store_refuses"}
        server.write = lambda _: Reply(403, {"code": "forbidden", "message": "insufficient permissions"})
        assert seen(store.look, there) == {"store": "ok store_ok"}
        server.write = lambda _: Reply(401, {"code": "unauthorized", "message": "unauthorized access"})
        assert seen(store.look, settings(here.data_dir, store_url=server.url())) == {"store": "ok store_ok"}


def test_the_age_of_the_newest_backup(here: Settings, tmp_path: Path) -> None:
    assert seen(backups.look, here) == {"backup": "warning backup_none"}
    there = here.model_copy(update={"backup_dir": tmp_path / "cadangan"})
    assert seen(backups.look, there) == {"backup": "wrong backup_old"}
    (tmp_path / "cadangan").mkdir()
    (tmp_path / "cadangan" / "siaga-2026-11-28T0230.siaga").touch()
    assert seen(backups.look, there) == {"backup": "ok backup_ok"}
    assert seen(backups.look, there, NOW + 2 * DAY) == {"backup": "wrong backup_old"}


# The whole


def test_one_look_that_hangs_or_breaks_leaves_the_others(here: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    hangs = threading.Event()

    def hang(_settings: Settings, _clock: Clock) -> Iterator[Finding]:
        hangs.wait(30)
        yield from ()

    def fail(_settings: Settings, _clock: Clock) -> Iterator[Finding]:
        raise RuntimeError("boom")

    monkeypatch.setattr(examination, "WITHIN", 1.0)
    looks: dict[str, Look] = {"broker": hang, "store": fail, "backup": backups.look}
    found = {each.id: each for each in examination.examine(here, SystemClock(), looks=looks)}
    hangs.set()
    assert [found[name].state for name in looks] == [State.UNKNOWN, State.UNKNOWN, State.WARNING]
    assert "boom" in found["store"].text(WORDS[Language.ID])


def test_the_self_probe_is_missed_fails_or_has_no_heartbeat(here: Settings, engine: Engine) -> None:
    def said(result: ProbeResult | None, **more: object) -> dict[str, str]:
        if result is not None:
            with writing(engine) as connection:
                write_result(connection, result)
        found = seen(database.look, settings(here.data_dir, **more))
        return {name: each for name, each in found.items() if name in ("self_probe", "heartbeat")}

    assert said(None) == {"self_probe": "warning self_probe_old"}
    assert said(ProbeResult(NOW - HOUR, 1, 2)) == {"self_probe": "warning self_probe_old"}
    assert said(ProbeResult(NOW, problem="no batch is acknowledged")) == {"self_probe": "wrong self_probe_failed"}
    assert said(ProbeResult(NOW, 1, 2)) == {"self_probe": "ok self_probe_ok"}
    unheard = ProbeResult(NOW, 1, 2, heartbeat="it answered 500")
    assert said(unheard) == {"self_probe": "ok self_probe_ok", "heartbeat": "warning heartbeat_failed"}
    assert said(unheard, self_probe=False) == {}
