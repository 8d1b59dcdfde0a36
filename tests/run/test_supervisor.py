"""`siaga collector --processes`: several processes by one command, on a real Mosquitto and a real InfluxDB."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from collector.status_file import NoCollector, read_status_file
from tests.collector.post import Gateways, Post
from tests.servers import Influxd, Mosquitto
from tests.wait import PATIENCE, until

SIAGA = Path(sys.executable).with_name("siaga")


@contextmanager
def collectors(post: Post, directory: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """`siaga collector --processes 2`."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SIAGA_")} | {
        "SIAGA_MQTT_URL": post.mosquitto.url,
        "SIAGA_STORE_URL": post.store_url,
        "SIAGA_DATABASE_URL": post.database_url,
        "SIAGA_DATA_DIR": str(directory),
    }
    process = subprocess.Popen([SIAGA, "collector", "--processes", "2"], env=environment)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(PATIENCE)


def children(pid: int) -> set[int]:
    return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def works(directory: Path) -> bool:
    """Whether all say that they have no problem."""
    try:
        return len(list(directory.glob("*.status"))) == 2 and read_status_file(directory) is None
    except NoCollector:
        return False


def sessions(directory: Path) -> list[str]:
    return sorted(each.read_text() for each in directory.glob("collector*.session"))


def gone(pid: int) -> bool:
    """Whether a process has ended, and somebody has taken note of it."""
    return not Path(f"/proc/{pid}").exists()


def test_two_processes_share_the_work_and_one_that_dies_is_replaced(
    mosquitto: Mosquitto, influxd: Influxd, tmp_path: Path
) -> None:
    post, directory = Post(mosquitto, influxd, tmp_path), tmp_path / "data"
    with Gateways(mosquitto) as gateways, collectors(post, directory) as supervisor:
        until(lambda: works(directory), what="both work")
        names, first = sessions(directory), children(supervisor.pid)
        assert len(names) == len(first) == 2
        gateways.insist(range(30))

        victim = min(first)
        os.kill(victim, signal.SIGKILL)
        for said in directory.glob("*.status"):  # who lives writes another one
            said.unlink()
        until(lambda: len(children(supervisor.pid) - first) == 1, what="another one is started")
        until(lambda: works(directory), what="both work again")
        assert sessions(directory) == names, "and has the session of the dead one"
        gateways.insist(range(30, 60))
        assert post.stored() == gateways.times(range(60))

        second = children(supervisor.pid)
        for each in (supervisor.pid, *second):  # as systemd and a terminal do, which tell the whole group
            os.kill(each, signal.SIGTERM)
        assert supervisor.wait(10) == 0
        assert all(gone(each) for each in second)
        assert not list(directory.glob("*.status")), "they ended cleanly"


def test_they_do_not_outlive_their_supervisor(mosquitto: Mosquitto, influxd: Influxd, tmp_path: Path) -> None:
    post, directory = Post(mosquitto, influxd, tmp_path), tmp_path / "data"
    with collectors(post, directory) as supervisor:
        until(lambda: works(directory), what="both work")
        left = children(supervisor.pid)
        supervisor.kill()
        supervisor.wait(PATIENCE)
        until(lambda: all(gone(each) or _is_zombie(each) for each in left), what="they end, too")
        assert not list(directory.glob("*.status")), "cleanly"


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True
