"""The centre's broker as `deploy/mosquitto` runs it: its configuration, its run.sh, files made by `siaga.provision`."""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from siaga.mqtt import BrokerAddress
from siaga.provision.broker_config import Login
from siaga.provision.gateway_file import GatewayFile, read_gateway_file
from siaga.run.credentials import issue_credential, revoke_credential, set_up_broker
from siaga.run.services import import_sites
from siaga.run.settings import Settings
from tests.servers import Mosquitto, find_binary, free_port
from tests.wait import until

__all__ = ["NEIGHBOUR", "VILLAGE", "CentralBroker", "Peer", "sites_of"]

ROOT = Path(__file__).resolve().parents[2]
VILLAGE, NEIGHBOUR, THIRD = "35.10.15.2012", "35.10.15.2013", "35.10.15.2014"


def sites_of(*codes: str, devices: str = "{id: gerbang-1, adapter: senml, every: 1m}") -> str:
    """A sites file of remote villages, each with a gate."""
    return "villages:\n" + "".join(
        f'  - {{code: "{code}", name: Desa {code[-1]}, lat: -8.19, lon: 114.3, timezone: Asia/Jakarta,\n'
        f"     gateway: remote, facilities: [{{id: gerbang, kind: gate, name: Gerbang, devices: [{devices}]}}]}}\n"
        for code in codes
    )


class CentralBroker(Mosquitto):
    """A real Mosquitto with TLS for gateways on `gateways`, and a plain port for siaga's own services."""

    def __init__(self, login: Login = Login.PASSWORD, codes: Sequence[str] = (VILLAGE, NEIGHBOUR, THIRD)) -> None:
        super().__init__()
        self.gateways = free_port()
        self.files = self.directory / "broker"
        self.sites = self.directory / "sites.yaml"
        self.sites.write_text(sites_of(*codes))
        self.settings = Settings(
            data_dir=self.directory / "siaga",
            broker_dir=self.files,
            broker_address=f"mqtts://127.0.0.1:{self.gateways}",
            broker_login=login,
            mqtt_url=f"mqtt://127.0.0.1:{self.port}",
        )
        self.settings.make_data_dir()
        import_sites(self.settings, self.sites)
        set_up_broker(self.settings, self.directory / "secrets", f"mqtt://127.0.0.1:{self.port}", renew=False)
        version = subprocess.run([self._binary, "-h"], capture_output=True, text=True, check=False).stdout
        self.dialect = "2.1" if re.search(r"version 2\.[1-9]", version) else "2.0"
        self._config.write_text(self._adapted())

    @property
    def _binary(self) -> str:
        return find_binary("mosquitto", "mosquitto")

    def _adapted(self) -> str:
        """The file of `deploy/` with this test's port and directories."""
        text = (ROOT / "deploy" / "mosquitto" / f"mosquitto-{self.dialect}.conf").read_text()
        text = re.sub(r"^listener 1883.*$", f"listener {self.port} 127.0.0.1", text, flags=re.MULTILINE)
        text = re.sub(r"^persistence_location .*$", f"persistence_location {self.directory}/", text, flags=re.MULTILINE)
        text = text.replace("/etc/siaga/broker/", f"{self.files}/")
        if self.dialect == "2.1":
            plugins = Path(self._binary).parent.parent / "lib"
            for file in (self.files / "2.1" / "siaga.conf", None):
                adapted = text if file is None else file.read_text()
                adapted = re.sub(r"/usr/lib/(mosquitto_\w+\.so)", rf"{plugins}/\1", adapted)
                if file is None:
                    text = adapted
                else:
                    file.write_text(adapted)
        return text + ("user root\n" if os.geteuid() == 0 else "")

    def _command(self) -> Sequence[str]:
        shell = shutil.which("sh") or "/bin/sh"
        return [shell, str(ROOT / "deploy" / "mosquitto" / "run.sh"), str(self._config), str(self.files)]

    def issue(self, village: str, *, rotate: bool = False) -> GatewayFile:
        """A new credential, as the gateway reads it from its file."""
        file = issue_credential(self.settings, village, rotate=rotate)
        return read_gateway_file(file.text(), "gateway.yaml")

    def revoke(self, village: str) -> None:
        """End a credential."""
        revoke_credential(self.settings, village)

    def service_url(self, name: str) -> str:
        """For `SIAGA_MQTT_URL` of one of siaga's services."""
        return (self.directory / "secrets" / f"mqtt_{name}_url").read_text().strip()


class Peer:
    """A client at the broker, by a gateway's file or by a service's URL. It says what the broker answers."""

    def __init__(self, who: GatewayFile | str) -> None:
        self.got: list[tuple[str, bytes]] = []
        self.reasons: list[str] = []
        self.drops = 0
        self._answers: list[str] = []
        self._granted: list[str] = []
        client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5, reconnect_on_failure=True)
        client.reconnect_delay_set(1, 1)
        address = BrokerAddress.parse(who if isinstance(who, str) else who.url)
        if address.user is not None:
            client.username_pw_set(address.user, address.password)
        if not isinstance(who, str):
            client.tls_set_context(who.tls.context())
        client.on_connect = lambda _c, _u, _f, reason, _p: self.reasons.append(str(reason))
        client.on_disconnect = lambda *_: self._dropped()
        client.on_message = lambda _c, _u, message: self.got.append((message.topic, bytes(message.payload)))
        client.on_subscribe = lambda _c, _u, _m, codes, _p: self._granted.extend(map(str, codes))
        client.on_publish = lambda _c, _u, _m, reason, _p: self._answers.append(str(reason))
        self._client = client
        try:
            client.connect(address.host, address.port)
        except OSError as problem:
            self.reasons.append(str(problem))
        else:
            client.loop_start()
            until(lambda: self.reasons or self.drops, what="the broker answers")

    def _dropped(self) -> None:
        self.drops += 1

    @property
    def welcome(self) -> bool:
        """Whether the broker took the credential."""
        return self.reasons[:1] == ["Success"] and not self.drops

    def subscribe(self, topic: str) -> None:
        """Subscribe, and wait for the answer."""
        before = len(self._granted)
        self._client.subscribe(topic, 1)
        until(lambda: len(self._granted) > before)

    def publish(self, topic: str, payload: bytes = b"x", *, retain: bool = False) -> str:
        """The broker's answer to a message with QoS 1."""
        before = len(self._answers)
        self._client.publish(topic, payload, qos=1, retain=retain)
        until(lambda: len(self._answers) > before)
        return self._answers[-1]

    def close(self) -> None:
        """Leave."""
        self._client.disconnect()
        self._client.loop_stop()
