"""The guides' recipes for free Wi-Fi hold: with nobody connected it is met, with the radio off it is failed."""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from gateway.adapters import Installed
from gateway.pollers import POLLERS
from gateway.pollers.interface import Agent, Internet, Reach, Said, Values
from siaga.model.observation import Track
from siaga.model.sites import Village
from siaga.sites.file import read_sites
from siaga.timeline.evidence import Evidence
from siaga.timeline.judge import judge
from tests.gateway.places import CODE, NOW, values
from tests.gateway.yard import Yard

DOCS = Path(__file__).resolve().parents[2] / "docs"
DEVICES, PROBES = ((DOCS / name).read_text(encoding="utf-8") for name in ("devices.md", "probes.md"))
SCRIPT = re.findall(r"^```sh\n(#!/bin/sh\n.*?)^```$", DEVICES, re.DOTALL | re.MULTILINE)[0]


def place(guide: str, name: str) -> Village:
    """A village with the one facility of a guide that has this id."""
    snippets = re.findall(r"^```yaml\n(.*?)^```$", guide, re.DOTALL | re.MULTILINE)
    found = [each for snippet in snippets for each in yaml.safe_load(snippet) if each["id"] == name]
    whole = {"code": CODE, "name": "Contoh", "lat": -8.19, "lon": 114.3, "timezone": "Asia/Jakarta"}
    (village,) = read_sites(yaml.safe_dump({"villages": [whole | {"facilities": found[-1:]}]}), "guide")
    return village


def state(village: Village, said: Mapping[tuple[str, str], object]) -> str:
    """What the facility is, a second after its devices said this."""
    tracks = {key: Track((NOW,), (value,)) for key, value in said.items()}  # type: ignore[arg-type]
    tracks["gw", "alive"] = Track((NOW,), (True,))
    (facility,) = village.facilities
    return judge(village, facility, Evidence(tracks), (NOW + 1000, NOW + 2000))[-1].state.value


def run_script(directory: Path, *, up: str, encryption: str) -> list[tuple[str, str]]:
    """What the guide's script publishes on an access point whose programs answer so."""
    programs = {
        "ubus": f'echo \'{{"radio0":{{"up":{up}}}}}\'',
        "jsonfilter": '[ "$1 $2" = "-e @.radio0.up" ] || exit 1; sed \'s/.*"up":\\([a-z]*\\).*/\\1/\'',
        "uci": f"echo {encryption}" if encryption else "exit 1",
        "mosquitto_pub": f'echo "$4 $6" >> {directory}/published',
    }
    for name, text in programs.items():
        program = directory / name
        program.write_text(f"#!/bin/sh\n{text}\n")
        program.chmod(0o755)
    subprocess.run(["sh", "-eu", "-c", SCRIPT], env={"PATH": f"{directory}:/usr/bin:/bin"}, check=True, timeout=120)
    lines = (directory / "published").read_text().splitlines()
    return [(line.split(" ")[0], line.split(" ")[1]) for line in lines]


@pytest.mark.parametrize(
    ("up", "encryption", "judged"),
    [
        ("true", "none", "met"),
        ("true", "", "met"),
        ("true", "owe", "met"),
        ("true", "psk2", "failed"),
        ("false", "none", "failed"),
    ],
)
def test_an_openwrt_access_point_alone_judges_free_wifi(tmp_path: Path, up: str, encryption: str, judged: str) -> None:
    """Without the script's words it was unknown for ever: what collectd measures is no radio's state."""
    village = place(DEVICES, "wifi")
    yard = Yard(tmp_path, [village])
    yard.after(1)
    for topic, payload in run_script(tmp_path, up=up, encryption=encryption):
        yard.say(topic, payload)
    seconds = yard.clock.now() / 1000
    yard.say("collectd/ap-balai/iwinfo-wlan0/stations", f"{seconds}:0")  # nobody is connected
    yard.say("collectd/ap-balai/ping/ping-9.9.9.9", f"{seconds}:23.4")
    yard.after(1)
    said = {(name, signal): value for (_, name, signal, _), value in yard.centre.stored.items()}
    assert said["ap-1", "clients"] == 0
    assert yard.centre.refused == []
    assert state(village, said) == judged
    without = {key: value for key, value in said.items() if key[1] not in ("wifi_up", "wifi_open")}
    assert state(village, without) == "unknown"


def polled(village: Village, answer: object) -> dict[tuple[str, str], object]:
    """What an answer means for each device of the village that is asked."""
    (facility,) = village.facilities
    said: dict[tuple[str, str], object] = {}
    for one in facility.devices:
        asked = Installed.of(village, facility, one)
        question = POLLERS[one.adapter].question(asked)
        assert question is not None
        assert isinstance(answer, Said | Values)
        found = values(POLLERS[one.adapter].translate(asked, question, answer))
        said |= {(one.id, signal): value for signal, value in found.items()}
    return said


OPER, ADMIN = "1.3.6.1.2.1.2.2.1.8.3", "1.3.6.1.2.1.2.2.1.7.3"
RADIOS = "1.3.6.1.4.1.14988.1.1.1.3.1.6"


@pytest.mark.parametrize(("admin", "oper", "judged"), [(1, 2, "met"), (1, 1, "met"), (2, 2, "failed")])
def test_a_routeros_access_point_is_met_with_nobody_connected(admin: int, oper: int, judged: str) -> None:
    """It calls the interface down (ifOperStatus 2) while nobody is connected, and it has no row for such a radio."""
    village = place(PROBES.partition("## SNMP")[2], "wifi-balai")
    (asked,) = village.facilities[0].devices
    question = POLLERS[asked.adapter].question(Installed.of(village, village.facilities[0], asked))
    assert isinstance(question, Agent)
    assert ADMIN in question.oids
    answer = Values({ADMIN: admin, OPER: oper}, {RADIOS: []})
    assert state(village, polled(village, answer)) == judged


@pytest.mark.parametrize(("disabled", "judged"), [("false", "met"), ("true", "failed")])
def test_a_mikrotik_script_says_disabled_and_not_running(tmp_path: Path, disabled: str, judged: str) -> None:
    village = place(DEVICES, "wifi-lapangan")
    yard = Yard(tmp_path, [village])
    yard.after(1)
    yard.say("mikrotik/lapangan", f'{{"disabled":"{disabled}","running":"false"}}')
    yard.after(1)
    said = {(name, signal): value for (_, name, signal, _), value in yard.centre.stored.items()}
    assert state(village, said) == judged


SHARED = """
- id: wifi
  kind: free_wifi
  name: Wi-Fi kantor desa
  devices:
    - {id: ap, adapter: openwrt, address: ap-balai, every: 30s, map: MAP}
    - {id: ping, adapter: probe, address: 192.168.1.2, every: 30s}
"""


@pytest.mark.parametrize(
    ("mapped", "there", "internet", "judged"),
    [
        ("{}", True, True, "met"),
        ("{}", True, False, "failed"),
        ("{}", False, True, "failed"),
        ("{ping/ping-9.9.9.9: internet}", False, True, "unknown"),
    ],
    ids=["met", "no internet", "no access point", "hidden by a device that says internet alone"],
)
def test_a_probe_beside_an_openwrt_access_point(mapped: str, there: bool, internet: bool, judged: str) -> None:
    village = place(f"```yaml{SHARED.replace('MAP', mapped)}```\n", "wifi")
    said: dict[tuple[str, str], object] = {
        ("ap", "clients"): 0,
        ("ping", "wifi_up"): there,
        ("ping", "internet"): internet,
    }
    if mapped != "{}":
        said["ap", "internet"] = internet
    assert state(village, said) == judged


def test_a_probe_of_an_access_point_holds_with_nobody_connected() -> None:
    village = place(PROBES.partition("## SNMP")[0], "wifi-balai")
    (asked,) = village.facilities[0].devices
    installed = Installed.of(village, village.facilities[0], asked)
    question = POLLERS[asked.adapter].question(installed)
    assert isinstance(question, Reach)
    assert not isinstance(question, Internet)
    for there, judged in ((True, "met"), (False, "failed")):
        found = values(POLLERS[asked.adapter].translate(installed, question, Said(yes=there, how="")))
        assert state(village, {(asked.id, signal): value for signal, value in found.items()}) == judged
