"""The doctor beside real servers, each of them broken in turn, and the command as a user meets it."""

import json
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from siaga.broker import EmbeddedBroker
from siaga.database import connect
from siaga.model.clock import DAY, SystemClock
from siaga.run.doctor import broker, certificates, database, store
from siaga.run.settings import Settings
from siaga.telemetry import open_store
from tests.run.doctor.test_looks import here, seen, settings
from tests.run.test_cli import siaga
from tests.schema import with_tables
from tests.servers import Influxd, Mosquitto, Postgres, find_binary
from tests.story.system import System

__all__ = ["here"]

pytestmark = pytest.mark.servers


def at(before: Settings, **more: object) -> Settings:
    return settings(before.data_dir, **more)


# The broker


@pytest.fixture(scope="module")
def guarded() -> Iterator[Mosquitto]:
    """A broker that knows one user."""
    server = Mosquitto()
    passwords = server.directory / "passwords"
    subprocess.run(
        [find_binary("mosquitto_passwd", "mosquitto"), "-b", "-c", str(passwords), "siaga", "rahasia"],
        check=True,
        capture_output=True,
    )
    config = server.directory / "mosquitto.conf"
    config.write_text(
        config.read_text().replace("allow_anonymous true", f"allow_anonymous false\npassword_file {passwords}")
        + "sys_interval 1\nmax_queued_messages 1\n"
    )
    with server:
        yield server


def test_a_broker_that_takes_refuses_or_is_away(here: Settings, guarded: Mosquitto) -> None:
    def said(login: str, port: int = guarded.port) -> dict[str, str]:
        return seen(broker.look, at(here, mqtt_url=f"mqtt://{login}127.0.0.1:{port}"))

    assert said("siaga:rahasia@") == {"broker": "ok broker_ok"}
    assert said("siaga:salah@") == {"broker": "wrong broker_refuses"}
    assert said("") == {"broker": "wrong broker_refuses"}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert said("siaga:rahasia@", port) == {"broker": "wrong broker_absent"}


def test_a_broker_that_hangs_is_given_up(here: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker, "WITHIN", 0.5)
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        found = seen(broker.look, at(here, mqtt_url=f"mqtt://127.0.0.1:{deaf.getsockname()[1]}"))
    assert found == {"broker": "wrong broker_absent"}


def test_a_broker_whose_limits_are_too_small(here: Settings) -> None:
    with Mosquitto(["max_packet_size 20000", "retain_available false"]) as small:
        found = list(broker.look(at(here, mqtt_url=small.url), SystemClock()))
    [limits] = [each for each in found if each.id == "broker_limits"]
    assert (limits.state.value, limits.values["limits"]) == ("wrong", "MaximumPacketSize 20000; RetainAvailable 0")


def test_a_broker_of_mqtt_3_alone(here: Settings, tmp_path: Path) -> None:
    old = EmbeddedBroker(tmp_path / "broker.db", 0)
    old.start()
    try:
        found = seen(broker.look, at(here, mqtt_url=f"mqtt://127.0.0.1:{old.port}"))
    finally:
        old.close()
    assert found == {"broker": "ok broker_ok", "broker_limits": "warning broker_old"}


def test_the_embedded_broker_is_asked_by_the_service(here: Settings) -> None:
    assert seen(broker.look, here) == {}


# Certificates


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Returns a key, and a certificate of its own that is valid for 30 days."""
    directory = tmp_path_factory.mktemp("tls")
    key, cert = directory / "key.pem", directory / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
         "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
        check=True, capture_output=True,
    )  # fmt: skip
    return key, cert


@contextmanager
def secured(certificate: tuple[Path, Path]) -> Iterator[int]:
    """Serve handshakes. Yields the port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate[1], certificate[0])
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                    with context.wrap_socket(connection, server_side=True) as line:
                        line.recv(1)
                except ssl.SSLError:
                    continue
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def test_a_certificate_that_nobody_signed_ends_soon_or_is_good(
    here: Settings, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SystemClock()
    with secured(certificate) as port:
        there = at(here, public_url=f"https://127.0.0.1:{port}")
        assert seen(certificates.look, there) == {"certificate_pages": "wrong certificate_bad"}
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[1]))
        assert seen(certificates.look, there, clock.now()) == {"certificate_pages": "ok certificate_ok"}
        late = seen(certificates.look, there, clock.now() + 20 * DAY)
        assert late == {"certificate_pages": "warning certificate_ends"}
    assert seen(certificates.look, there) == {"certificate_pages": "unknown certificate_unknown"}


# The store


def test_an_influxdb_its_retention_and_a_wrong_password(here: Settings) -> None:
    with Influxd(auth=True) as server:
        url = server.store_url("siaga")
        open_store(url).check()  # makes the database
        there = at(here, store_url=url)
        assert seen(store.look, there) == {"store": "ok store_ok"}
        server.query("siaga", 'ALTER RETENTION POLICY "autogen" ON "siaga" DURATION 7d')
        assert seen(store.look, there) == {"store": "ok store_ok", "store_retention": "warning store_retention"}
        server.query("siaga", 'ALTER RETENTION POLICY "autogen" ON "siaga" DURATION 60d')
        for days, said in ((60, None), (61, "store_keeps_less"), (50, "store_keeps_more")):
            found = seen(store.look, at(there, store_url=url, keep_telemetry=days * DAY))
            assert found.get("store_retention") == (said and f"warning {said}"), days
        wrong = url.replace("kampung", "salah")
        assert seen(store.look, at(here, store_url=wrong)) == {"store": "wrong store_refuses"}


def test_an_influxdb_is_asked_and_not_written_to(here: Settings, influxd: Influxd) -> None:
    url = influxd.store_url("never-made")
    seen(store.look, at(here, store_url=url))
    assert ["never-made"] not in [list(row.values()) for row in influxd.query("", "SHOW DATABASES")]


# PostgreSQL


def test_a_postgresql_that_is_well_a_standby_or_away(here: Settings, postgres: Postgres) -> None:
    url = postgres.database_url()
    there = at(here, database_url=url)
    assert seen(database.look, there) == {"database": "warning database_old"}
    engine = connect(url)
    with_tables(engine)
    engine.dispose()
    assert seen(database.look, there)["database"] == "ok database_ok"
    postgres.take_changes(False)
    try:
        assert seen(database.look, there) == {"database": "wrong database_standby"}
    finally:
        postgres.take_changes(True)
    assert seen(database.look, at(here, database_url="postgresql://siaga@127.0.0.1:9/x")) == {
        "database": "wrong database_down"
    }


# The command


def test_the_command_says_all_changes_nothing_and_its_status_tells(tmp_path: Path) -> None:
    told = siaga(tmp_path, "doctor", "--json")
    assert told.returncode == 1
    found = {each["id"]: each for each in json.loads(told.stdout)["findings"]}
    assert found["service"]["state"] == "wrong"
    assert found["database"]["state"] == "wrong"
    assert set(found["service"]) == {"id", "state", "text", "remedy"}
    assert not (tmp_path / "data").exists()
    assert siaga(tmp_path, "doctor", "--language", "fr").returncode == 2


def test_beside_a_siaga_that_is_well_nothing_is_wrong(tmp_path: Path) -> None:
    with System(tmp_path, "villages: []\n") as system:
        before = (tmp_path / "data" / "siaga.db").stat().st_size
        told = siaga(tmp_path, "doctor", "--language", "en", "--http-port", str(system.port))
        assert told.returncode == 0, told.stdout
        assert "siaga runs and is ready" in told.stdout
        assert "WRONG" not in told.stdout
        assert (tmp_path / "data" / "siaga.db").stat().st_size == before
