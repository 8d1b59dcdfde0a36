"""The compose file, as it is, in real containers: build, up, an alert through a village's gateway, a power cut.

The images of a registry have stand-ins of Debian's packages under their names (`stand-ins/`). Everything else is the
very same: compose file, configuration, networks, limits, users, read-only roots.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.containers.engine import ROOT, Engine
from tests.containers.images import SIAGA_IMAGE, build_before, build_images
from tests.provision.central_broker import VILLAGE, sites_of
from tests.wait import until

HOME = Path(os.environ.get("SIAGA_CONTAINERS_DIR", "/var/tmp/siaga-containers"))
SERVICES = ("mosquitto", "influxdb", "postgres", "collector", "api", "proxy")
SIMULATED = "00.00.00.0001"


class District:
    """A checkout as an administrator has it, and its containers."""

    def __init__(self, engine: Engine, directory: Path) -> None:
        self.engine, self.directory = engine, directory
        shutil.copy(ROOT / "docker-compose.yml", directory)
        shutil.copytree(ROOT / "deploy", directory / "deploy")
        example = (ROOT / "deploy" / "example.env").read_text()
        example = example.replace("=siaga.example.go.id", "=localhost").replace("https://siaga.example.go.id", "")
        (directory / ".env").write_text(example)
        subprocess.run([directory / "deploy" / "prepare.sh"], check=True, capture_output=True)
        (directory / "config" / "sites.yaml").write_text(sites_of(VILLAGE))
        (directory / "config" / "sites.yaml").chmod(0o600)
        subprocess.run([directory / "deploy" / "prepare.sh"], check=True, capture_output=True)

    def compose(self, *words: str, check: bool = True, within: float = 300) -> str:
        """What a compose command says on standard output."""
        command = ("podman-compose", "-p", "siaga", *words)
        return self.engine.run(*command, cwd=self.directory, check=check, within=within).stdout

    def tool(self, service: str, *words: str) -> str:
        """What one of the tools says, run as the guide says; podman-compose wants its profile named."""
        return self.compose("--profile", "tools", "run", "--rm", "-T", "--no-deps", service, *words)

    def container(self, service: str) -> str:
        """The name of a service's container."""
        return f"siaga_{service}_1"

    def execute(self, service: str, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command in a service's container."""
        return self.engine.run("podman", "exec", self.container(service), *command, check=check, within=60)

    def healthy(self, service: str) -> bool:
        """What the compose file's own health check says, run once."""
        done = self.engine.run("podman", "healthcheck", "run", self.container(service), check=False, within=60)
        return done.returncode == 0

    def ready(self) -> bool:
        """Whether all of siaga's services have all that they need."""
        return all(
            self.execute(service, "siaga", "health", service, "--ready", check=False).returncode == 0
            for service in ("api", "collector")
        )

    def up(self) -> None:
        """Start everything; wait until it works. The store first: the others read its URL when they start."""
        self.compose("up", "-d", "mosquitto", "influxdb", "postgres")
        until(lambda: self.healthy("influxdb"), 120, "the store is healthy")
        self.compose("up", "-d", *SERVICES)
        until(self.ready, 180, "siaga is ready")
        until(lambda: all(self.healthy(service) for service in SERVICES), 90, "every health check is passed")
        ask = ("curl", "-skf", "https://localhost/healthz")
        until(lambda: self.engine.run(*ask, check=False).returncode == 0, 60, "the proxy leads to the pages")

    def asked(self, path: str, token: str) -> Any:
        """An answer of the API, over TLS, by the proxy."""
        command = ("curl", "-sk", "-H", f"Authorization: Bearer {token}", f"https://localhost{path}")
        return json.loads(self.engine.run(*command, within=30).stdout)

    def logs(self) -> str:
        """What all services have said last."""
        return "\n".join(
            self.engine.run("podman", "logs", "--tail", "40", self.container(service), check=False).stderr[-3000:]
            for service in SERVICES
        )


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory) -> Iterator[District]:
    engine = Engine(HOME)
    build_images(engine)
    engine.open_namespace()
    engine.clear()  # what a run that was killed left
    district = District(engine, tmp_path_factory.mktemp("district"))
    try:
        yield district
    finally:
        engine.clear()
        engine.close_namespace()


def test_the_image_holds_byte_code_and_no_tools() -> None:
    engine = Engine(HOME)
    build_images(engine)
    look = (
        "find /opt/siaga -name '*.py' -path '*site-packages*' | wc -l; "
        "find /opt/siaga -name '*.pyc' -path '*site-packages*' | wc -l; "
        "ls -a /opt/siaga; id -u; find / -xdev -name uv -type f 2>/dev/null | wc -l; siaga --version"
    )
    shell = ("podman", "run", "--rm", "--read-only", "--network", "none", "--entrypoint", "sh", SIAGA_IMAGE, "-c", look)
    lines = engine.run(*shell, inside=False).stdout.split()
    assert int(lines[1]) > 0.9 * int(lines[0]) > 0, "byte code of the dependencies"
    assert ".tools" not in lines
    assert "10001" in lines
    assert lines[-3] == "0", "no build tool"


def test_a_district_in_containers(district: District) -> None:
    """Set up, a village through to an alert, revoked, killed, down and up: nothing is lost."""
    d = district
    d.tool("setup")
    d.up()
    token = d.execute("api", "siaga", "token", "create", "--role", "admin").stdout.strip()
    assert d.asked("/healthz", token) is not None
    assert [each["code"] for each in d.asked("/api/v1/villages", token)["items"]] == [VILLAGE]

    # no secret in a variable, an argument or a log
    secrets = {path.read_text().strip() for path in (d.directory / "secrets").rglob("*") if path.is_file()}
    for service in SERVICES:
        inspected = d.engine.run("podman", "inspect", d.container(service)).stdout
        assert not [secret for secret in secrets if secret in inspected], service
        assert d.execute(service, "sh", "-c", "touch /x", check=False).returncode != 0, f"{service}: read-only root"
        limit = json.loads(inspected)[0]["HostConfig"]
        assert limit["Memory"] > 0, service
        assert limit["PidsLimit"] > 0, service
    shown = d.execute("mosquitto", "cat", "/etc/siaga/broker/authority/authority.key", check=False)
    assert (shown.returncode != 0, shown.stdout) == (True, ""), "the broker does not see the key of the authority"
    assert (d.directory / "broker" / "authority" / "authority.key").exists()
    said = d.logs()
    assert not [secret for secret in secrets if secret in said]

    # a village with simulated devices and a gateway of its own
    simulated = (d.directory / "deploy" / "simulation" / "sites.yaml").read_text()
    (d.directory / "config" / "simulated.yaml").write_text(simulated)
    subprocess.run([d.directory / "deploy" / "prepare.sh"], check=True, capture_output=True)
    d.execute("api", "siaga", "import", "/etc/siaga/config/simulated.yaml")
    said = d.tool("credentials", SIMULATED)
    file = said[said.index("# siaga gateway") :]  # podman-compose says first which container it made
    assert yaml.safe_load(file)["broker"]["user"] == SIMULATED
    (d.directory / "config" / "gateway-simulated.yaml").write_text(file)
    subprocess.run([d.directory / "deploy" / "prepare.sh"], check=True, capture_output=True)
    d.compose(
        "--profile", "simulation", "up", "-d", "--no-recreate", "village-broker", "village-gateway", "village-devices"
    )

    def link() -> str:
        state: str = d.asked(f"/api/v1/villages/{SIMULATED}", token)["link"]["state"]
        return state

    def alerts(kind: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = d.asked(f"/api/v1/alerts?open=true&village={SIMULATED}&kind={kind}", token)[
            "items"
        ]
        return items

    until(lambda: link() == "online", 120, "the gateway is heard, over TLS")
    until(lambda: d.asked(f"/api/v1/devices/{SIMULATED}/gerbang-1", token)["signals"], 120, "its devices are heard")
    assert d.healthy("village-gateway")

    # kill -9 of everything: what was known is known
    for service in SERVICES:
        d.engine.run("podman", "kill", "-s", "KILL", d.container(service), check=False)
    d.up()
    until(lambda: link() == "online", 180, "the gateway is heard again")
    before = d.asked(f"/api/v1/devices/{SIMULATED}/gerbang-1", token)["last_seen"]
    assert before

    # revoked: it is off, and that is an alert
    d.tool("credentials", SIMULATED, "--revoke")
    until(lambda: alerts("village_offline"), 300, "its village is offline")

    # down and up with the data kept
    d.compose("--profile", "simulation", "down")
    d.up()
    assert alerts("village_offline")[0]["village"] == SIMULATED
    assert d.asked(f"/api/v1/devices/{SIMULATED}/gerbang-1", token)["last_seen"] >= before


def test_an_upgrade_keeps_what_was_there(district: District, tmp_path: Path) -> None:
    """Data of an earlier siaga's image; then the new image, as the guide says."""
    d = district
    before, now = build_before(d.engine, tmp_path), d.engine.image_id(SIAGA_IMAGE)
    d.compose("--profile", "simulation", "down", "--volumes", check=False)
    d.engine.run("podman", "tag", before, SIAGA_IMAGE, inside=False)
    try:
        d.tool("setup")
        d.up()
        token = d.execute("api", "siaga", "token", "create", "--role", "admin").stdout.strip()
        d.execute("api", "siaga", "person", "add", "ratih", "--role", "technician")
        villages = d.asked("/api/v1/villages", token)["items"]
        old = revision(d)
    finally:
        d.compose("down")
        d.engine.run("podman", "tag", now, SIAGA_IMAGE, inside=False)
    d.up()
    assert revision(d) > old
    assert [each["code"] for each in d.asked("/api/v1/villages", token)["items"]] == [each["code"] for each in villages]
    assert "ratih" in d.execute("api", "siaga", "person", "list").stdout


def revision(d: District) -> str:
    """The migration that the database has."""
    ask = (
        "import pathlib, psycopg; url = pathlib.Path('/run/secrets/database_url').read_text().strip(); "
        "print(psycopg.connect(url).execute('SELECT version_num FROM alembic_version').fetchone()[0])"
    )
    return d.execute("api", "/opt/siaga/.venv/bin/python", "-c", ask).stdout.strip()
