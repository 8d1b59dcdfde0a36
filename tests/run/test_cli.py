"""The command line as a user meets it: what it prints, where, and its exit status."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.servers import Mosquitto, free_port
from tests.story.system import SIAGA, System
from tests.wait import until

VILLAGE = "35.10.20.2001"
SITES = f"""
villages:
  - code: "{VILLAGE}"
    name: Sumbersari
    lat: -8.21
    lon: 114.36
    timezone: Asia/Jakarta
    facilities:
      - {{id: gerbang, kind: gate, name: Gerbang, devices: [{{id: kontak, adapter: senml, every: 1m}}]}}
"""


def siaga(directory: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SIAGA, *arguments],
        env={**clean(), "SIAGA_DATA_DIR": str(directory / "data"), **environment},
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def clean() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("SIAGA_")}


def test_help_lists_every_command_of_the_contract(tmp_path: Path) -> None:
    shown = siaga(tmp_path, "--help")
    assert shown.returncode == 0
    for command in (
        "up",
        "gateway",
        "collector",
        "api",
        "simulate",
        "import",
        "token",
        "person",
        "rebuild",
        "report",
        "backup",
        "restore",
        "doctor",
    ):
        assert re.search(rf"\b{command}\b", shown.stdout), command


def test_the_version_is_the_distribution_s(tmp_path: Path) -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert siaga(tmp_path, "--version").stdout == f"siaga {project['version']}\n"


@pytest.mark.parametrize("role", ["viewer", "technician", "admin"])
def test_a_token_is_printed_alone_on_standard_output(tmp_path: Path, role: str) -> None:
    made = siaga(tmp_path, "token", "create", "--role", role)
    assert (made.returncode, made.stderr) == (0, "")
    assert re.fullmatch(r"siaga_[A-Za-z0-9_-]{43}\n", made.stdout)


SCOPED = ("--scope", "35.11", "--scope", "35.10.15")


def test_a_token_is_listed_without_itself_and_can_be_revoked_once(tmp_path: Path) -> None:
    made = siaga(tmp_path, "token", "create", "--role", "viewer", "--name", "layar", *SCOPED).stdout.strip()
    listed = siaga(tmp_path, "token", "list").stdout
    assert re.fullmatch(r"1  viewer      layar  sees 35.10.15, 35.11  made \d{4}-\d\d-\d\d, last used never\n", listed)
    assert made not in listed
    assert siaga(tmp_path, "token", "revoke", "1").stdout == "token 1 is revoked\n"
    assert siaga(tmp_path, "token", "list").stdout.endswith(", revoked\n")


def test_importing_twice_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "sites.yaml").write_text(SITES)
    first, second = (siaga(tmp_path, "import", "sites.yaml") for _ in range(2))
    assert first.stdout == "sites.yaml: 1 villages added, 0 changed, 0 as they were\n"
    assert second.stdout == "sites.yaml: 0 villages added, 0 changed, 1 as they were\n"


def test_a_file_with_mistakes_is_not_imported_and_every_mistake_is_told(tmp_path: Path) -> None:
    (tmp_path / "sites.yaml").write_text(SITES.replace("lat: -8.21", "lat: 208").replace("kind: gate", "kind: moon"))
    told = siaga(tmp_path, "import", "sites.yaml")
    assert told.returncode == 2
    assert told.stdout == ""
    lines = told.stderr.splitlines()
    assert len(lines) == 2
    assert "sites.yaml line 5: lat: 208" in lines[0]
    assert 'sites.yaml line 9: kind: "moon"' in lines[1]
    (tmp_path / "sites.yaml").write_text(SITES)
    assert "1 villages added" in siaga(tmp_path, "import", "sites.yaml").stdout, "nothing was imported before"


def test_an_import_takes_other_villages_out_only_when_asked_to(tmp_path: Path) -> None:
    other = SITES.replace(VILLAGE, "35.10.20.2002")
    (tmp_path / "sites.yaml").write_text(SITES)
    (tmp_path / "other.yaml").write_text(other)
    siaga(tmp_path, "import", "sites.yaml")
    assert siaga(tmp_path, "import", "other.yaml").stdout.endswith("1 villages added, 0 changed, 0 as they were\n")
    told = siaga(tmp_path, "import", "--only", "other.yaml").stdout
    assert told.endswith("0 villages added, 0 changed, 1 as they were, 1 taken out\n")
    assert siaga(tmp_path, "import", "sites.yaml").stdout.endswith("1 villages added, 0 changed, 0 as they were\n")


MISTAKES = [
    (["nonsense"], {}, 2, "No such command 'nonsense'"),
    (["up", "--demoo"], {}, 2, "No such option: --demoo"),
    (["up", "--sites", "nowhere.yaml"], {}, 2, "nowhere.yaml: cannot be read: No such file or directory"),
    (["up"], {"SIAGA_SITES": "nowhere.yaml"}, 2, "nowhere.yaml: cannot be read"),
    (["up", "--mqtt-url", "http://x"], {}, 2, "--mqtt-url: "),
    (["up"], {"SIAGA_HTTP_PORT": "many"}, 2, 'SIAGA_HTTP_PORT: "many"'),
    (["token", "create"], {}, 2, "Missing option '--role'"),
    (["token", "create", "--role", "king"], {}, 2, "--role: 'king' is not a role: write viewer, technician or admin"),
    (["token", "create", "--role", "viewer", "--scope", "35.1"], {}, 2, "--scope: '35.1' is not a scope: write a"),
    (["token", "create", "--role", "viewer", "--name", "a\nb"], {}, 2, r"--name: 'a\nb' is not a name"),
    (["token", "revoke", "7"], {}, 2, "NUMBER: 7 is not the number of a valid token"),
    (["token", "revoke", "9" * 30], {}, 2, "should be less than or equal to 9223372036854775807"),
    (["up", "--demo", "--sites", "sites.yaml"], {}, 2, "--sites: --demo brings villages of its own"),
    (["up", "--history", "7d"], {}, 2, "--history is the length of --demo's history"),
    (["up"], {"SIAGA_DATA_DIR": "/proc/siaga"}, 1, "set SIAGA_DATA_DIR to a directory that siaga can make"),
    (["token", "list"], {"SIAGA_DATA_DIR": "/proc/siaga"}, 1, "/proc/siaga: no such file or directory"),
    (["import", "nowhere.yaml"], {}, 2, "nowhere.yaml: cannot be read"),
    (["backup"], {}, 2, "Missing argument '[verify] FILE'"),
    (["backup", "verify"], {}, 2, "backup: write `siaga backup FILE`, or `siaga backup verify FILE`"),
    (["backup", "a", "b"], {}, 2, "backup: write `siaga backup FILE`, or `siaga backup verify FILE`"),
    (["backup", "x.siaga"], {}, 2, "there is no database and no gateway's buffer: check SIAGA_DATA_DIR"),
    (["backup", "verify", "sites.yaml"], {}, 2, "sites.yaml is no backup of siaga, or not a whole one"),
    (["backup", "verify", "nowhere.siaga"], {}, 1, "nowhere.siaga: no such file or directory"),
    (["restore", "nowhere.siaga"], {}, 1, "nowhere.siaga: no such file or directory"),
    (["restore", "sites.yaml"], {}, 2, "sites.yaml is no backup of siaga, or not a whole one"),
    (["collector"], {}, 2, "collector: the embedded store belongs to one process: set SIAGA_STORE_URL"),
    (["api"], {}, 2, "api: the embedded store belongs to one process: set SIAGA_STORE_URL"),
    (["gateway"], {}, 2, "gateway: SIAGA_SITES is not set"),
    (["gateway", "--sites", "sites.yaml", "--village", "35.10.20.9999"], {}, 2, "has no village 35.10.20.9999"),
    (["simulate", "--sites", "sites.yaml", "--for", "soon"], {}, 2, "--for: 'soon' is not a duration"),
    (["simulate", "--sites", "nowhere.yaml"], {}, 2, "nowhere.yaml: cannot be read"),
]


@pytest.mark.parametrize(
    ("arguments", "environment", "status", "sentence"), MISTAKES, ids=[" ".join(case[0]) for case in MISTAKES]
)
def test_a_mistake_is_one_sentence_and_no_traceback(
    tmp_path: Path, arguments: list[str], environment: dict[str, str], status: int, sentence: str
) -> None:
    (tmp_path / "sites.yaml").write_text(SITES)
    told = siaga(tmp_path, *arguments, **environment)
    assert told.returncode == status
    assert told.stdout == ""
    assert sentence in told.stderr
    assert len(told.stderr.splitlines()) == 1


def test_a_password_in_a_wrong_address_is_not_repeated(tmp_path: Path) -> None:
    told = siaga(tmp_path, "up", SIAGA_MQTT_URL="amqp://wahyu:rahasia@broker", SIAGA_STORE_URL="x://:rahasia@y")
    assert told.returncode == 2
    assert "rahasia" not in told.stderr


@pytest.mark.parametrize("setting", ["SIAGA_MQTT_PORT", "SIAGA_HTTP_PORT"])
def test_a_taken_port_is_one_sentence_that_names_port_and_setting(tmp_path: Path, setting: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ports = {"SIAGA_MQTT_PORT": str(free_port()), "SIAGA_HTTP_PORT": str(free_port()), setting: str(port)}
        told = siaga(tmp_path, "up", **ports)
    assert told.returncode == 1
    assert len([line for line in told.stderr.splitlines() if line.startswith("siaga: ")]) == 1
    assert str(port) in told.stderr
    assert setting in told.stderr
    assert "Traceback" not in told.stderr


def test_an_address_that_is_not_this_machine_s_names_its_setting(tmp_path: Path) -> None:
    told = siaga(tmp_path, "up", SIAGA_HTTP_HOST="192.0.2.1", SIAGA_HTTP_PORT=str(free_port()))
    assert told.returncode == 1
    assert "192.0.2.1" in told.stderr
    assert "set SIAGA_HTTP_HOST to another" in told.stderr


def test_a_second_siaga_does_not_touch_the_data_of_the_first(tmp_path: Path) -> None:
    with System(tmp_path, SITES) as system:
        told = siaga(tmp_path, "up", SIAGA_MQTT_PORT=str(free_port()), SIAGA_HTTP_PORT=str(free_port()))
        assert told.returncode == 1
        assert "in use by another siaga: set SIAGA_DATA_DIR" in told.stderr
        assert system.is_ready()
        rebuilt = siaga(tmp_path, "rebuild")
        assert rebuilt.returncode == 1
        assert "Traceback" not in rebuilt.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly_within_ten_seconds(tmp_path: Path, number: signal.Signals) -> None:
    with closing(System(tmp_path, SITES)) as system:
        system.start()
        assert system.process is not None
        system.process.send_signal(number)
        assert system.process.wait(10) == 0


def test_a_gateway_ends_cleanly_while_its_brokers_are_away(tmp_path: Path) -> None:
    (tmp_path / "sites.yaml").write_text(SITES)
    nobody = f"mqtt://127.0.0.1:{free_port()}"
    with subprocess.Popen(
        [SIAGA, "gateway", "--sites", "sites.yaml", "--mqtt-url", nobody],
        env={**clean(), "SIAGA_DATA_DIR": str(tmp_path / "data")},
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        until((tmp_path / "data" / "gateway.db").exists)
        process.terminate()
        assert process.wait(10) == 0


def test_logs_are_json_lines_where_nobody_watches(tmp_path: Path) -> None:
    with System(tmp_path, SITES) as system:
        pass
    said, events = [], []
    for line in system.log.read_text().splitlines():
        if line.startswith("{"):
            events.append(json.loads(line))
        else:
            said.append(line.split(" at ")[0].split(":")[0])
    assert said == ["siaga is", "siaga has no admin yet", "a new link"], "what people read, on standard output"
    assert {"event", "level", "timestamp"} <= set(events[0])
    assert events[-1]["event"] == "ended"


def test_it_starts_without_broker_and_store_says_so_and_goes_on_when_they_come(
    tmp_path: Path, mosquitto: Mosquitto
) -> None:
    mosquitto.stop()
    with closing(System(tmp_path, SITES, SIAGA_MQTT_URL=mosquitto.url)) as system:
        system.start(ready=False)
        until(lambda: answers(system))

        def collector() -> str:
            return str(system.client.get("/readyz").json()["reasons"].get("collector", ""))

        until(lambda: f"127.0.0.1:{mosquitto.port}" in collector(), what="it names the broker")
        assert system.client.get("/healthz").status_code == 200
        mosquitto.start()
        until(system.is_ready)
        assert system.stop() == 0


@contextmanager
def closing(system: System) -> Iterator[System]:
    """A system that the test starts and ends itself."""
    try:
        yield system
    finally:
        system.client.close()
        if system.process is not None and system.process.poll() is None:
            system.kill()


def answers(system: System) -> bool:
    try:
        return system.client.get("/readyz").status_code == 503
    except httpx.TransportError:
        return False


def test_the_command_is_where_setup_promises_it() -> None:
    assert Path(sys.executable).with_name("siaga") == SIAGA
    assert os.access(SIAGA, os.X_OK)
