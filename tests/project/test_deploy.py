"""What is deployed: the compose file's promises, and its configuration files on real servers, as they are."""

import os
import re
import shutil
import socket
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import urllib3
import yaml

from siaga.run.settings import Settings
from tests.provision.central_broker import CentralBroker
from tests.servers import find_binary, free_port
from tests.wait import PATIENCE, until

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
OURS = ["collector", "api", "setup", "credentials", "village-gateway", "village-devices"]
ENVIRONMENT_PATH = f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin"


@pytest.fixture(scope="module")
def compose() -> Any:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def services() -> list[str]:
    return list(yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"])


def test_no_secret_is_in_the_file_or_in_a_variable(compose: Any) -> None:
    for name, service in compose["services"].items():
        for key, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|TOKEN|_URL", key) and not key.endswith(("_FILE", "__FILE")):
                assert re.fullmatch(r"\$\{PUBLIC_URL:-\}|mqtts?://[a-z-]+:\d+", str(value)), f"{name}: {key}"
    example = (DEPLOY / "example.env").read_text()
    assert not re.search(r"PASSWORD=|TOKEN=|SECRET", example)


def test_every_secret_is_a_file_that_prepare_makes(compose: Any) -> None:
    made = (DEPLOY / "prepare.sh").read_text()
    named = {secret for service in compose["services"].values() for secret in service.get("secrets", [])}
    assert named == set(compose["secrets"])
    for name, secret in compose["secrets"].items():
        assert secret["file"].startswith("./secrets/")
        assert name in made or (name.startswith("mqtt_") and "mqtt_${service}_url" in made), name


def test_every_variable_is_in_the_example_and_the_other_way_round() -> None:
    names = set(re.findall(r"(?<!\$)\$\{(\w+)", (ROOT / "docker-compose.yml").read_text()))
    given = set(re.findall(r"^(\w+)=", (DEPLOY / "example.env").read_text(), re.MULTILINE))
    assert names == given


def test_ports_are_open_to_this_machine_alone_unless_said_otherwise(compose: Any) -> None:
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert ports
    assert all(re.match(r"\$\{\w+_BIND:-127\.0\.0\.1\}:", port) for port in ports)


@pytest.mark.parametrize("name", services())
def test_every_service_has_least_privilege_limits_and_rotated_logs(compose: Any, name: str) -> None:
    service = compose["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "proxy" else [])
    assert "no-new-privileges:true" in service["security_opt"]
    assert name == "proxy" or int(service["user"].split(":")[0]) > 0
    assert service["mem_limit"]
    assert service["pids_limit"]
    assert set(service["logging"]["options"]) == {"max-size", "max-file"}
    assert "networks" in service or service["network_mode"] == "none"
    assert not any("uid=" in mount for mount in service["tmpfs"]), "podman refuses it"


@pytest.mark.parametrize("name", services())
def test_images_are_pinned_to_a_version(compose: Any, name: str) -> None:
    image = compose["services"][name]["image"]
    assert re.fullmatch(r"[a-z/-]+:\d+\.\d+(\.\d+)?(-alpine)?", image), image


@pytest.mark.parametrize("name", services())
def test_a_folder_that_is_missing_is_told_and_not_made(compose: Any, name: str) -> None:
    for volume in compose["services"][name].get("volumes", []):
        if isinstance(volume, dict):
            assert volume["bind"]["create_host_path"] is False
        else:
            assert volume.split(":")[0] in compose["volumes"], f"{volume} is no named volume"


@pytest.mark.parametrize("name", services())
def test_a_health_check_is_a_list_without_a_shell_a_space_or_a_secret(compose: Any, name: str) -> None:
    service = compose["services"][name]
    if "healthcheck" not in service:
        assert service.get("profiles") in (["tools"], ["simulation"])
        return
    test = service["healthcheck"]["test"]
    assert test[0] == "CMD"
    assert not any(re.search(r"[\s$]", word) for word in test)
    assert service["healthcheck"]["retries"]


def test_databases_are_on_networks_that_lead_nowhere(compose: Any) -> None:
    for name in ("broker", "store", "database", "village"):
        assert compose["networks"][name]["internal"] is True
    assert compose["services"]["influxdb"]["networks"] == ["store"]
    assert compose["services"]["postgres"]["networks"] == ["database"]
    assert compose["services"]["proxy"]["networks"] == ["pages"]


def test_the_image_is_built_in_stages_without_tools_or_root() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert len(re.findall(r"^FROM debian:\d+\.\d+-slim", text, re.MULTILINE)) == 2
    final = text[text.rindex("FROM") :]
    assert "USER 10001:10001" in final
    assert "rm -rf .tools" in text
    assert "compileall" in text
    assert ".venv/lib" in text, "byte code of the dependencies too: the root is read-only"


def test_the_builder_is_given_what_the_dockerfile_copies_and_nothing_else() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = set()
    for line in re.findall(r"^COPY (?!--from)(.*)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE):
        copied |= set(line.split()[:-1])
    assert copied <= allowed
    assert allowed - copied == {"scripts"}
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    for name in ("/.env", "/secrets/", "/broker/", "/config/", "/sites.yaml", "/notify.yaml"):
        assert name in ignored


@pytest.mark.parametrize("name", OURS)
def test_the_commands_and_settings_of_the_compose_file_exist(compose: Any, name: str) -> None:
    service = compose["services"][name]
    command = [*service.get("entrypoint", ["siaga"])[1:], *service["command"], "--help"]
    helped = subprocess.run([ROOT / ".venv" / "bin" / "siaga", *command], capture_output=True, check=False)
    assert helped.returncode == 0, helped.stderr
    for key in service.get("environment", {}):
        setting = key.removeprefix("SIAGA_").lower()
        assert setting in Settings.model_fields or setting.removesuffix("_file") in Settings.model_fields, key


def test_the_simulated_village_is_a_sites_file() -> None:
    from siaga.sites.on_disk import read_sites_file

    (village,) = read_sites_file(DEPLOY / "simulation" / "sites.yaml").villages
    (played,) = read_sites_file(DEPLOY / "simulation" / "devices.yaml").villages
    assert village.remote
    assert played == replace(village, remote=False), "the simulator would play the gateway too"


@pytest.mark.skipif(os.geteuid() != 0, reason="it gives files to other users")
def test_prepare_makes_closed_folders_that_the_services_can_read_and_may_be_repeated(tmp_path: Path) -> None:
    (tmp_path / "deploy").mkdir()
    shutil.copy(DEPLOY / "prepare.sh", tmp_path / "deploy")
    (tmp_path / "config").mkdir()
    for name in ("sites.yaml", "notify.yaml"):  # of mode 0600, as people make them
        (tmp_path / "config" / name).write_text("villages: []\n")
        (tmp_path / "config" / name).chmod(0o600)
    for _ in range(2):
        subprocess.run([tmp_path / "deploy" / "prepare.sh"], check=True, capture_output=True)
        told = {path: path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    subprocess.run([tmp_path / "deploy" / "prepare.sh"], check=True, capture_output=True)
    assert told == {path: path.read_text() for path in tmp_path.rglob("*") if path.is_file()}, "what is there stays"
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    assert (tmp_path / "broker").stat().st_uid == 1883
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents:
        if parent == Path(parent.root):
            break
        if not parent.stat().st_mode & 0o001:
            return  # pytest closes its folders to other users: nobody could look
    read = subprocess.run(["cat", tmp_path / "config" / "notify.yaml"], user=10001, group=10001, check=False)
    assert read.returncode == 0
    assert subprocess.run(["cat", tmp_path / "config" / "notify.yaml"], user=1000, group=1000, check=False).returncode


@pytest.mark.servers
def test_the_broker_s_health_check_sees_a_broker_that_lives_and_one_that_does_not() -> None:
    def healthy(port: int) -> bool:
        check = [str(DEPLOY / "mosquitto" / "health.sh"), str(port)]
        return subprocess.run(check, env={"PATH": ENVIRONMENT_PATH}, check=False).returncode == 0

    with CentralBroker() as broker:
        assert healthy(broker.port)
        broker.freeze()
        assert not healthy(broker.port)
        broker.thaw()
        broker.stop()
        assert not healthy(broker.port)


@pytest.fixture
def proxied(tmp_path: Path) -> Iterator[tuple[int, int]]:
    """Caddy with the file as it is; before a server that answers with the headers that it was sent."""
    plain, secure, upstream = free_port(), free_port(), socket.create_server(("127.0.0.1", 0))
    config = (DEPLOY / "caddy" / "Caddyfile").read_text()
    config = config.replace("{\n", f"{{\n\thttp_port {plain}\n\thttps_port {secure}\n\tadmin off\n\tlocal_certs\n"
                            "\tskip_install_trust\n", 1)  # fmt: skip
    (tmp_path / "Caddyfile").write_text(config)
    environment = {
        "PATH": ENVIRONMENT_PATH,
        "HOME": str(tmp_path),
        "XDG_DATA_HOME": str(tmp_path),
        "API_ADDRESS": f"127.0.0.1:{upstream.getsockname()[1]}",
    }
    with (tmp_path / "log").open("wb") as log:
        command = [
            find_binary("caddy", "caddy"),
            "run",
            "--config",
            str(tmp_path / "Caddyfile"),
            "--adapter",
            "caddyfile",
        ]
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    answering = subprocess.Popen(
        ["python3", "-c", _ECHO, str(upstream.fileno())], pass_fds=[upstream.fileno()], stderr=subprocess.DEVNULL
    )
    try:
        yield secure, plain
    finally:
        process.terminate()
        answering.terminate()
        process.wait(PATIENCE)
        answering.wait(PATIENCE)
        upstream.close()
        log_text = (tmp_path / "log").read_text()
        assert "rahasia" not in log_text, "no session, token or link is in the proxy's log"


_ECHO = """
import http.server, json, socket, sys
class Echo(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps(dict(self.headers)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo, bind_and_activate=False)
server.socket = socket.socket(fileno=int(sys.argv[1]))
server.serve_forever()
"""


@pytest.mark.servers
def test_the_proxy_speaks_tls_and_tells_the_api_who_asks(proxied: tuple[int, int], tmp_path: Path) -> None:
    secure, plain = proxied
    authority = tmp_path / "caddy" / "pki" / "authorities" / "local" / "root.crt"
    until(authority.exists, what="the proxy has made its authority")
    http = urllib3.PoolManager(ca_certs=str(authority), retries=False, timeout=5)
    secrets = {"Authorization": "Bearer rahasia", "Cookie": "siaga=rahasia", "X-Forwarded-For": "6.6.6.6"}
    secrets["Referer"] = f"https://localhost:{secure}/lapor/rahasia"

    def asked() -> Any:
        try:
            answer = http.request("GET", f"https://localhost:{secure}/welcome/rahasia-link?x=1", headers=secrets)
        except urllib3.exceptions.HTTPError:
            return None
        return answer if answer.status == 200 else None

    answer = until(asked, what="the proxy answers")
    got = answer.json()
    assert got["X-Forwarded-Proto"] == "https"
    assert got["X-Forwarded-For"] == "127.0.0.1", "what a caller says of itself is not believed"
    assert got["Authorization"] == "Bearer rahasia"
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert http.request("GET", f"https://localhost:{secure}/lapor/rahasia", headers=secrets).status == 200
    moved = http.request("GET", f"http://localhost:{plain}/alerts", redirect=False)
    assert moved.status == 308
    assert moved.headers["Location"].startswith("https://localhost")


@pytest.mark.parametrize(
    "unit", sorted([*DEPLOY.glob("systemd/*.service"), *DEPLOY.glob("village/*.service")]), ids=str
)
def test_a_unit_starts_a_command_that_exists_with_settings_that_exist(unit: Path) -> None:
    text = unit.read_text()
    (command,) = re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE)
    if "siaga" in command:
        words = command.split()[1:]
        helped = subprocess.run([ROOT / ".venv" / "bin" / "siaga", *words, "--help"], capture_output=True, check=False)
        assert helped.returncode == 0
        assert "NoNewPrivileges=yes" in text
        assert "ProtectSystem=strict" in text
    for key in re.findall(r"\bSIAGA_(\w+)=", text):
        assert key.lower().removesuffix("_file") in Settings.model_fields or key.lower() in Settings.model_fields


def test_systemd_understands_the_units(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("no systemd here")
    for unit in [*DEPLOY.glob("systemd/*.service"), *DEPLOY.glob("systemd/*.path"), *DEPLOY.glob("village/*.service")]:
        text = unit.read_text().replace("/opt/siaga/.venv/bin/siaga", "/bin/true")
        (tmp_path / unit.name).write_text(text)
    names = [tmp_path / unit.name for unit in tmp_path.iterdir()]
    told = subprocess.run([analyze, "verify", *names], capture_output=True, text=True, check=False)
    ours = [line for line in told.stderr.splitlines() if "siaga" in line and "mosquitto" not in line]
    assert not ours, told.stderr
