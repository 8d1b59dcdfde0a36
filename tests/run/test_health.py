"""`siaga health`: a service that runs, one that misses something, one that hangs, and none."""

import os
import re
import subprocess
import time
from pathlib import Path

import orjson
import pytest

from collector.status_file import NoCollector, StatusFile, read_status_file
from tests.servers import Influxd, Mosquitto, free_port
from tests.story.system import SIAGA, System
from tests.wait import until


def health(*arguments: str, **environment: str) -> tuple[int, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SIAGA_")}
    done = subprocess.run(
        [str(SIAGA), "health", *arguments], env=clean | environment, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return done.returncode, done.stdout.strip()


def test_what_does_not_run_is_said(tmp_path: Path) -> None:
    port = str(free_port())
    nowhere = {"SIAGA_DATA_DIR": str(tmp_path), "SIAGA_HTTP_PORT": port}
    assert health("api", **nowhere) == (1, f"no   nothing answers at port {port}")
    assert health("collector", **nowhere) == (1, "no   no collector runs here, with this data directory")
    assert health("gateway", **nowhere)[0] == 1


def test_a_collector_that_hangs_is_not_healthy(tmp_path: Path) -> None:
    status = StatusFile(tmp_path, "one")
    status.tell("the store is away")
    assert read_status_file(tmp_path) == "the store is away"
    (written,) = tmp_path.glob("*.status")
    written.write_bytes(orjson.dumps({"at": time.time() - 31, "problem": None}))
    code, said = health("collector", SIAGA_DATA_DIR=str(tmp_path))
    assert code == 1
    assert re.fullmatch(r"no   the collector has said nothing for \d\d s: it hangs, or was killed", said)
    status.remove()
    assert list(tmp_path.iterdir()) == []


def test_of_several_collectors_each_tells_its_own(tmp_path: Path) -> None:
    one, other = StatusFile(tmp_path, "one"), StatusFile(tmp_path, "other")
    one.tell(None)
    other.tell("the store is away")
    assert read_status_file(tmp_path) == "collector other: the store is away"
    (written,) = tmp_path.glob("*@other.status")
    written.write_bytes(orjson.dumps({"at": time.time() - 31, "problem": None}))
    assert (read_status_file(tmp_path) or "").startswith("collector other: has said nothing for 31 s")
    written.write_bytes(orjson.dumps({"at": time.time() - 601, "problem": None}))
    assert read_status_file(tmp_path) is None, "it was killed, and another runs"
    one.remove()
    with pytest.raises(NoCollector, match="nothing for 601 s"):
        read_status_file(tmp_path)


@pytest.mark.servers
def test_services_that_run_are_healthy_and_say_what_they_miss(tmp_path: Path) -> None:
    with Influxd() as influxd, Mosquitto() as broker:
        store = influxd.store_url()
        here = {"SIAGA_STORE_URL": store, "SIAGA_MQTT_URL": broker.url, "SIAGA_DATA_DIR": str(tmp_path / "data")}
        with System(tmp_path, "villages: []\n", "api", **here) as api:
            environment = {name: value for name, value in api.environment.items() if name.startswith("SIAGA_")}
            log = (tmp_path / "collector.log").open("wb")
            collector = subprocess.Popen([str(SIAGA), "collector"], env=api.environment, stdout=log, stderr=log)
            try:
                until(lambda: health("collector", "--ready", **environment) == (0, "ok"))
                assert health("api", "--ready", **environment) == (0, "ok")
                broker.stop()
                until(lambda: health("collector", "--ready", **environment)[0] == 1)
                code, said = health("collector", **environment)
                assert (code, said.startswith("note ")) == (0, True), said
                until(lambda: health("api", "--ready", **environment)[0] == 1)
                assert health("api", **environment)[0] == 0
            finally:
                broker.start()
                collector.terminate()
                assert collector.wait(10) == 0
                log.close()
