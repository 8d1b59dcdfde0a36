"""The servers that the tests stand on start, keep their data over a stop and a kill, and fail loudly."""

from pathlib import Path

import psycopg
import pytest

from siaga.model.clock import SECOND
from tests.servers import Influxd, Mosquitto, Postgres, _Server, find_binary


def test_a_missing_server_is_an_error_that_names_the_package() -> None:
    with pytest.raises(RuntimeError, match="apt-get install nosuchpackage"):
        find_binary("nosuchserver", "nosuchpackage")


def test_a_server_that_cannot_start_says_why() -> None:
    with pytest.raises(RuntimeError, match="nonsense"):
        Mosquitto(config=["nonsense true"]).start()


@pytest.mark.parametrize("how", ["stop", "kill"])
@pytest.mark.parametrize("kind", [Mosquitto, Influxd])
def test_it_starts_again_on_the_same_port(kind: type[_Server], how: str) -> None:
    with kind() as server:
        port = server.port
        getattr(server, how)()
        assert not server.running
        assert server.start().running
        assert server.port == port


def test_a_frozen_server_stands_still_with_each_thread(influxd: Influxd) -> None:
    for _ in range(50):
        influxd.freeze()
        try:
            threads = [stat.read_text() for stat in Path(f"/proc/{influxd.pid}/task").glob("*/stat")]
        finally:
            influxd.thaw()
        assert len(threads) > 1
        assert {thread.rpartition(")")[2].split()[0] for thread in threads} == {"T"}


def test_influxd_with_auth_keeps_its_data_over_a_kill() -> None:
    with Influxd(auth=True) as server:
        server.write("one", f"m v=1i {SECOND}")
        server.kill()
        server.start()
        assert server.query("one", "SELECT v FROM m") == [{"time": SECOND, "v": 1}]


def test_a_killed_postgres_leaves_no_session_behind(postgres: Postgres) -> None:
    connection = psycopg.connect(postgres.database_url())
    session = Path(f"/proc/{connection.info.backend_pid}/stat")
    assert session.exists()
    postgres.kill()
    assert not session.exists() or session.read_text().rpartition(")")[2].split()[0] == "Z"
    connection.close()


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_postgres_keeps_its_data(postgres: Postgres, how: str) -> None:
    url = postgres.database_url()
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE t AS SELECT 42 AS answer")
    getattr(postgres, how)()
    postgres.start()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT answer FROM t").fetchone() == (42,)
