"""OpenWrt by collectd: a truth table, and what several radios say together."""

import pytest

from gateway.adapters import Installed
from gateway.router import Router
from siaga.model.sites import Device
from siaga.mqtt.transport import Message
from tests.gateway.places import CODE, NOW, device, labels, read, translate, values, village

AT = NOW / 1000
AP = device("ap-1", "openwrt", "ap-balai")
MAPPED = device(
    "ap-2",
    "openwrt",
    "ap-pasar.desa",
    {
        "uptime/uptime": "uptime",
        "interface-wan/if_octets": "rx_bytes",
        "interface-wan/if_octets:tx": "tx_bytes",
        "ping/ping-9.9.9.9": "internet",
        "ping-jauh/ping-2001:db8::9": "latency",
        "pppoe-wan": "wifi_up",
        "hostapd-*/gauge-clients": "clients",
        "table-[a]?/gauge": "nh3",
    },
)
DEEP = device("ap-3", "openwrt", "desa/statistik/ap-dinas")
CASES = [
    ("stations", AP, "collectd/ap-balai/iwinfo-wlan0/stations", f"{AT}:7\0", {"clients": 7}),
    ("nobody", AP, "collectd/ap-balai/iwinfo-phy1-ap0/stations", f"{AT}:0\0", {"clients": 0}),
    ("without a NUL", AP, "collectd/ap-balai/iwinfo-wlan0/stations", f"{AT}:3", {"clients": 3}),
    ("memory", AP, "collectd/ap-balai/memory/memory-free", f"{AT}:431200000", {}),
    ("load of the processor", AP, "collectd/ap-balai/cpu/percent-active", f"{AT}:1.750125313283", {}),
    ("a disk, with dashes", AP, "collectd/ap-balai/df-overlay/percent_bytes-used", f"{AT}:61.25", {}),
    ("a NUL", AP, "collectd/ap-balai/thermal/value", f"{AT}:41.5\0", {}),
    ("two values", AP, "collectd/ap-balai/load/pair", f"{AT}:41.5:40.25", {}),
    ("nothing dropped", AP, "collectd/ap-balai/interface-wan/if_dropped", f"{AT}:0:0", {}),
    ("a rate that nobody asked for", AP, "collectd/ap-balai/interface-eth0/if_octets", f"{AT}:9312.5:771.25\0", {}),
    ("a ping that nobody asked for", AP, "collectd/ap-balai/ping/ping-9.9.9.9", f"{AT}:nan\0", {}),
    ("leases are no stations", AP, "collectd/ap-balai/dhcpleases/count", f"{AT}:19\0", {}),
    ("a word that nobody asked for", MAPPED, "collectd/ap-pasar.desa/pppoe-lte", "OFF", None),
    ("a word beside the plugins", MAPPED, "collectd/ap-pasar.desa/pppoe-wan", "OFF", {"wifi_up": False}),
    ("uptime", MAPPED, "collectd/ap-pasar.desa/uptime/uptime", f"{AT}:86399.97\0", {"uptime": 86_399}),
    (
        "counters",
        MAPPED,
        "collectd/ap-pasar.desa/interface-wan/if_octets",
        f"{AT}:712345:88123\0",
        {"rx_bytes": 712_345, "tx_bytes": 88_123},
    ),
    (
        "a zero is no counter yet",
        MAPPED,
        "collectd/ap-pasar.desa/interface-wan/if_octets",
        f"{AT}:0:88123",
        {"tx_bytes": 88_123},
    ),
    ("an answer from far", MAPPED, "collectd/ap-pasar.desa/ping/ping-9.9.9.9", f"{AT}:23.41\0", {"internet": True}),
    (
        "no answer says something",
        MAPPED,
        "collectd/ap-pasar.desa/ping/ping-9.9.9.9",
        f"{AT}:nan\0",
        {"internet": False},
    ),
    (
        "colons within a name",
        MAPPED,
        "collectd/ap-pasar.desa/ping-jauh/ping-2001:db8::9",
        f"{AT}:23.41\0",
        {"latency": 23.41},
    ),
    (
        "another source of stations",
        MAPPED,
        "collectd/ap-pasar.desa/hostapd-wlan0/gauge-clients",
        f"{AT}:5",
        {"clients": 5},
    ),
    ("its place is the site's now", MAPPED, "collectd/ap-pasar.desa/iwinfo-wlan0/stations", f"{AT}:5", {}),
    ("a prefix of the owner's", DEEP, "desa/statistik/ap-dinas/iwinfo-wlan0/stations", f"{AT}:2", {"clients": 2}),
    ("cleared", AP, "collectd/ap-balai/iwinfo-wlan0/stations", "", {}),
    ("a NUL alone", AP, "collectd/ap-balai/iwinfo-wlan0/stations", "\0", {}),
    ("a name is meant as it is written", MAPPED, "collectd/ap-pasar.desa/table-[a]?/gauge", f"{AT}:1", {"nh3": 1.0}),
    ("and matches no other", MAPPED, "collectd/ap-pasar.desa/table-ab/gauge", f"{AT}:1", {}),
    # not of this access point
    ("a topic too long", AP, "collectd/ap-balai/more/levels/here", f"{AT}:32.5", None),
    (
        "a notification",
        AP,
        "collectd/event/ap-balai/interface-wan/if_octets",
        "Time: 1\nSeverity: OKAY\nCurrentValue: nan",
        None,
    ),
    ("another host", AP, "collectd/ap-pasar/iwinfo-wlan0/stations", f"{AT}:5", None),
    ("a daemon that tracks people", AP, "wifi-presence/ap-balai/status", "online", None),
    ("a person's device", AP, "wifi-presence/station/ap-balai/02-11-22-33-44-55/state", "connected", None),
    ("a person", AP, "presence/ap-balai/ibu-siti", "home", None),
    ("a document of a script", AP, "openwrt/ap-balai/state", '{"healthy": true, "clients_total": 31}', None),
]


@pytest.mark.parametrize(
    ("one", "topic", "payload", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_means(one: Device, topic: str, payload: str, expected: dict[str, object] | None) -> None:
    translation = read("free_wifi", one, topic, payload)
    if expected is None:
        assert translation is None or (translation.ignored and not translation.heard)
    else:
        assert values(translation) == expected
        assert labels(translation) == []


REFUSED = [
    ("no value", "memory/memory-free", b"1767225600", ["collectd"]),
    ("a time that is none", "memory/memory-free", b"abc:98.6", ["collectd"]),
    ("no time and no value", "memory/memory-free", b"foo,bar", ["collectd"]),
    ("a value that is none", "memory/memory-free", b"1767225600:viel", ["collectd"]),
    ("cut off", "uptime/uptime", b"1767225600.5:", ["collectd"]),
    ("nan", "uptime/uptime", b"1767225600.5:nan\0", ["not_finite"]),
    ("a lost ping has no latency", "ping-jauh/ping-2001:db8::9", b"1767225600.5:nan\0", ["not_finite"]),
    ("rates", "interface-wan/if_octets", b"1767225600.5:15423.2:2209\0", ["rate", "rate"]),
    ("one value where two are due", "interface-wan/if_octets", b"1767225600.5:15423", ["collectd"]),
    ("not UTF-8", "uptime/uptime", b"1767225600.5:\xff", ["not_utf8"]),
    ("too large", "uptime/uptime", b"1" * 64_001, ["too_large"]),
]


@pytest.mark.parametrize(("part", "payload", "refused"), [c[1:] for c in REFUSED], ids=[c[0] for c in REFUSED])
def test_is_refused(part: str, payload: bytes, refused: list[str]) -> None:
    translation = read("free_wifi", MAPPED, f"collectd/ap-pasar.desa/{part}", payload)
    assert labels(translation) == refused


@pytest.mark.parametrize(
    ("stamp", "time"), [("1767225600.512", NOW + 512), ("123456789.125", 123_456_789_125), ("0", None)]
)
def test_the_time_comes_first(stamp: str, time: int | None) -> None:
    """A time of 1973 is judged by whoever judges clocks."""
    translation = read("free_wifi", AP, "collectd/ap-balai/iwinfo-wlan0/stations", f"{stamp}:1")
    assert translation is not None
    assert [each.time for each in translation.observed] == [time]


def installed(one: Device) -> Installed:
    return Router([village(("free_wifi", [one]))]).installed[CODE, one.id]


def test_clients_are_summed_over_radios_that_still_report() -> None:
    ap = installed(AP)
    story = [
        ("wlan0", 0, "7", 7),
        ("wlan1", 1, "5", 12),
        ("wlan0", 60, "4", 9),
        ("wlan0", 60, "4", 9),  # the same again
        ("wlan1", 61, "6", 10),
        ("wlan0", 120, "4", 10),
        ("wlan0", 180, "3", 9),
        ("wlan0", 241, "3", 9),  # three intervals after its last word wlan1 is still counted
        ("wlan0", 301, "3", 3),  # and then no more
        ("wlan1", 302, "2", 5),
    ]
    for radio, seconds, stations, clients in story:
        message = Message(f"collectd/ap-balai/iwinfo-{radio}/stations", f"{AT + seconds}:{stations}\0".encode())
        assert values(translate(ap, message)) == {"clients": clients}


def test_a_radio_that_is_off_has_no_stations() -> None:
    ap = installed(AP)
    said = [
        values(translate(ap, Message(f"collectd/ap-balai/iwinfo-{radio}/stations", f"{AT}:{stations}".encode())))
        for radio, stations in (("wlan0", "7"), ("wlan1", "5"), ("wlan1", "nan"), ("wlan0", "6"))
    ]
    assert said == [{"clients": 7}, {"clients": 12}, {}, {"clients": 6}]


def test_a_clock_that_is_put_right_or_lost_starts_the_sum_anew() -> None:
    ap = installed(AP)
    said = [
        values(translate(ap, Message(f"collectd/ap-balai/iwinfo-{radio}/stations", f"{stamp}:{stations}".encode())))
        for radio, stamp, stations in (
            ("wlan0", 40.5, 7),
            ("wlan1", 41.5, 5),
            ("wlan0", AT, 7),
            ("wlan1", AT + 1, 5),
            ("wlan0", 9, 7),
        )
    ]
    assert said == [{"clients": 7}, {"clients": 12}, {"clients": 7}, {"clients": 12}, {"clients": 7}]


def test_what_was_a_rate_once_is_one_for_ever() -> None:
    """A rate may be a whole number now and then."""
    ap = installed(MAPPED)
    topic = "collectd/ap-pasar.desa/interface-wan/if_octets"
    said = [translate(ap, Message(topic, f"{AT}:{values}".encode())) for values in ("10.5:3", "800:90", "0:0")]
    assert [values(each) for each in said] == [{}, {}, {}]
    assert labels(said[1]) == ["rate", "rate"]
