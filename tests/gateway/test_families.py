"""The registry of families: the topics that one family declares are respected by all others."""

import pytest

from gateway.adapters import ADAPTERS, NOBODY, may_be_of
from gateway.discovery import Discovery
from gateway.router import Router
from siaga.model.sites import Adapter
from siaga.mqtt import Message
from tests.gateway.places import device, village

ROOTS = [(family, root) for family, adapter in ADAPTERS.items() for root in sorted(adapter.topics.roots)]
FREE = [family for family, adapter in ADAPTERS.items() if adapter.topics.any_root]


def routed(family: Adapter, topic: str) -> bool:
    place = village(("gate", [device("d", family.value, "papan")]))
    return bool(list(Router([place]).route(Message(topic, b"{}"))))


def test_no_two_families_have_one_root() -> None:
    roots = [root for _, root in ROOTS]
    assert len(roots) == len(set(roots))
    assert not NOBODY & set(roots)


def test_the_roots_are_those_that_were_known_of_all_families() -> None:
    """The list that two adapters had, each by hand."""
    known = "application cmnd collectd homeassistant homie shellies siaga spBv1.0 stat tele v3 zigbee2mqtt"
    assert {root for _, root in ROOTS} | NOBODY == set(known.split())


@pytest.mark.parametrize("free", FREE, ids=lambda family: family.value)
@pytest.mark.parametrize("root", [*(root for _, root in ROOTS), *sorted(NOBODY), "", "kebun"])
def test_a_family_under_any_root_takes_none_of_another_family(free: Adapter, root: str) -> None:
    own = {"homie": f"{root}/papan/$state", "zigbee2mqtt": f"{root}/papan"}[free.value]
    assert routed(free, own) == (root == "kebun" or root in ADAPTERS[free].topics.roots)


@pytest.mark.parametrize(("family", "root"), ROOTS, ids=str)
def test_every_family_may_have_its_own_roots(family: Adapter, root: str) -> None:
    assert may_be_of(family, f"{root}/papan")


DISCOVERED = [
    ("siaga/v1/35.10.15.2012/baru/senml", ("senml", "baru")),
    ("application/a/device/70b3d5e75e00c3d7/event/up", ("lorawan", "70b3d5e75e00c3d7")),
    ("v3/a@ttn/devices/eui-70b3d5e75e00c3d7/up", ("lorawan", "70b3d5e75e00c3d7")),
    ("tele/papan/STATE", ("tasmota", "papan")),
    ("kantor/stat/papan/POWER1", ("tasmota", "papan")),
    ("papan/tele/LWT", ("tasmota", "papan")),
    ("shellies/shelly1-1/relay/0", ("shelly", "shelly1-1")),
    ("shellyplus1-1/events/rpc", ("shelly", "shellyplus1-1")),
    ("shellyplus1-1/status/switch:0", ("shelly", "shellyplus1-1")),
    ("homie/papan/$state", ("homie", "papan")),
    ("homie/5/papan/$description", ("homie", "papan")),
    ("collectd/ap-1/iwinfo-wlan0/stations", ("openwrt", "ap-1")),
    ("papan/binary_sensor/gerbang/state", ("esphome", "papan")),
    ("zigbee2mqtt/gerbang/availability", ("zigbee2mqtt", "gerbang")),
    ("zigbee2mqtt/kantor/gerbang", ("zigbee2mqtt", "kantor/gerbang")),
    ("kebun/pompa", ("json", "kebun/pompa")),
    ("shellies/announce", None),
    ("homeassistant/sensor/x/config", None),
    ("tasmota/discovery/A/config", None),
    ("cmnd/papan/POWER", None),
    ("zigbee2mqtt/bridge/info", None),
    ("homie/papan/lampu/power", ("homie", "papan")),
    ("collectd/ap-1/x", None),
    ("siaga/v1/x", None),
    ("application/a/x", None),
    ("v3/a", None),
    ("kebun/pompa/set", None),
    ("kebun/LWT", None),
    ("$SYS/broker/uptime", None),
]


@pytest.mark.parametrize(("topic", "found"), DISCOVERED, ids=[topic for topic, _ in DISCOVERED])
def test_a_topic_tells_the_family_of_a_device_that_no_line_names(topic: str, found: tuple[str, str] | None) -> None:
    discovery = Discovery([village(("gate", []))])
    discovery.hear(Message(topic, b'{"x":1}'))
    assert list(discovery.found) == ([found] if found else [])
