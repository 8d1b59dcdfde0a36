"""What is deployed: the broker's own configuration on a real broker, and the compose file's promises."""

import os
import queue
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
import yaml
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from tests.servers import free_port
from tests.wait import until

ROOT = Path(__file__).resolve().parents[2]
VILLAGE, NEIGHBOUR = "35.10.20.2001", "35.10.20.2002"
SECRETS = {"collector": "rahasia1", "api": "rahasia2", VILLAGE: "rahasia3", NEIGHBOUR: "rahasia4"}


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[int]:
    """Mosquitto as `deploy/mosquitto/entrypoint.sh` starts it; only the port is another."""
    port = free_port()
    shutil.copytree(ROOT / "deploy" / "mosquitto", tmp_path / "config")
    configuration = tmp_path / "config" / "mosquitto.conf"
    configuration.write_text(configuration.read_text().replace("listener 1883", f"listener {port} 127.0.0.1"))
    for name in ("data", "secrets"):
        (tmp_path / name).mkdir()
    tmp_path.chmod(0o755)
    environment = {
        "PATH": f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin",
        "COLLECTOR_PASSWORD": SECRETS["collector"],
        "API_PASSWORD": SECRETS["api"],
        "VILLAGES": " ".join(f"{name}:{SECRETS[name]}" for name in (VILLAGE, NEIGHBOUR)),
    }
    if os.geteuid() == 0:  # mosquitto gives root up for the user `mosquitto`, which then needs the directory
        configuration.write_text(configuration.read_text() + "\nuser root\n")
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(["sh", "config/entrypoint.sh"], cwd=tmp_path, env=environment, stderr=log)
    until(lambda: answers(port), what="the broker listens")
    yield port
    process.terminate()
    assert process.wait(10) == 0


def answers(port: int) -> bool:
    client = Peer(port, "api")
    return client.reason == "Success" if client.connect() else False


class Peer:
    """A client with a name and its password."""

    def __init__(self, port: int, name: str, password: str | None = None) -> None:
        self.client = paho.Client(CallbackAPIVersion.VERSION2, client_id=f"{name}-peer", protocol=paho.MQTTv5)
        self.client.username_pw_set(name, SECRETS.get(name, "") if password is None else password)
        self.port, self.reason = port, ""
        self.got: list[str] = []
        self.granted: list[ReasonCode] = []
        self.client.on_connect = lambda _c, _u, _f, reason, _p: setattr(self, "reason", str(reason))
        self.client.on_message = lambda _c, _u, message: self.got.append(message.topic)
        self.client.on_subscribe = lambda _c, _u, _m, codes, _p: self.granted.extend(codes)

    def connect(self) -> bool:
        try:
            self.client.connect("127.0.0.1", self.port)
        except OSError:
            return False
        self.client.loop_start()
        until(lambda: self.reason)
        self.client.loop_stop() if self.reason != "Success" else None
        return True

    def publish(self, topic: str) -> str:
        """The broker's answer to a message with QoS 1."""
        answers: queue.Queue[str] = queue.Queue()
        self.client.on_publish = lambda _c, _u, _m, reason, _p: answers.put(str(reason))
        self.client.publish(topic, b"x", qos=1)
        return answers.get(timeout=10)

    def leave(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def test_a_village_reaches_its_own_topics_and_no_others(broker: int) -> None:
    village, collector = Peer(broker, VILLAGE), Peer(broker, "collector")
    assert village.connect()
    assert collector.connect()
    collector.client.subscribe("siaga/v1/+/gateway/+/batch", 1)
    until(lambda: collector.granted)
    assert village.publish(f"siaga/v1/{NEIGHBOUR}/gateway/gw/batch") == "Not authorized"
    assert village.publish(f"siaga/v1/{VILLAGE}/gateway/gw/ack") == "Not authorized"
    assert village.publish(f"siaga/v1/{VILLAGE}/gateway/gw/batch") == "Success"
    until(lambda: collector.got)
    assert collector.got == [f"siaga/v1/{VILLAGE}/gateway/gw/batch"]
    assert collector.publish(f"siaga/v1/{VILLAGE}/gateway/gw/ack") != "Not authorized"
    assert collector.publish(f"siaga/v1/{VILLAGE}/gateway/gw/batch") == "Not authorized"
    for peer in (village, collector):
        peer.leave()


@pytest.mark.parametrize(("name", "password"), [("", ""), ("api", "wrong"), ("nobody", "x")])
def test_nobody_comes_in_without_a_password(broker: int, name: str, password: str) -> None:
    peer = Peer(broker, name, password)
    assert peer.connect()
    assert peer.reason == "Not authorized"


@pytest.fixture(scope="module")
def compose() -> Any:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def test_no_secret_has_a_default(compose: Any) -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    secrets = re.findall(r"\$\{(\w*(?:PASSWORD|TOKEN)\w*)([^}]*)\}", text)
    assert len(secrets) >= 8
    assert {name for name, rest in secrets if rest != ":?"} == set()
    example = (ROOT / "deploy" / "example.env").read_text()
    for name in {name for name, _ in secrets}:
        assert re.search(rf"^{name}=$", example, re.MULTILINE), f"deploy/example.env: {name} is to be there, empty"


def test_every_variable_is_in_the_example(compose: Any) -> None:
    names = set(re.findall(r"(?<!\$)\$\{(\w+)", (ROOT / "docker-compose.yml").read_text()))
    given = set(re.findall(r"^(\w+)=", (ROOT / "deploy" / "example.env").read_text(), re.MULTILINE))
    assert names == given


def test_ports_are_open_to_this_machine_alone_unless_said_otherwise(compose: Any) -> None:
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert ports
    assert all(re.match(r"\$\{\w+_BIND:-127\.0\.0\.1\}:", port) for port in ports)


@pytest.mark.parametrize("service", ["collector", "api", "mosquitto"])
def test_our_services_run_with_least_privilege(compose: Any, service: str) -> None:
    described = compose["services"][service]
    assert described["read_only"] is True
    assert described["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in described["security_opt"]


def test_the_image_runs_as_a_user_of_its_own() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    final = lines[max(number for number, line in enumerate(lines) if line.startswith("FROM")) :]
    assert "USER siaga" in final


def test_the_commands_and_settings_of_the_compose_file_exist(compose: Any) -> None:
    from siaga.run.settings import Settings

    for name in ("collector", "api"):
        service = compose["services"][name]
        helped = subprocess.run(
            [ROOT / ".venv" / "bin" / "siaga", *service["command"], "--help"], capture_output=True, check=False
        )
        assert helped.returncode == 0
        settings = {key.removeprefix("SIAGA_").lower() for key in service["environment"] if key.startswith("SIAGA_")}
        assert settings <= set(Settings.model_fields)
