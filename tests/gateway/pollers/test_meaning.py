"""What answers mean: the truth tables of `probe` and `snmp`."""

import pytest

from gateway.adapters import Installed, Translation
from gateway.pollers.interface import Agent, Answer, Fetch, Internet, Question, Reach, Said, Unasked, Values
from gateway.pollers.probe import Probe, wants_internet
from gateway.pollers.snmp import Snmp
from siaga.model.sites import Device
from siaga.sites.poll_address import BadAddress, HostAddress, read_web
from tests.gateway.places import device, labels, values, village

YES, NO = Said(yes=True, how="", latency=12.34), Said(yes=False, how="")
NOTHING = Unasked("no link")
CHECK = Internet(read_web("http://check.example/generate_204"))


def installed(kind: str, one: Device) -> Installed:
    place = village((kind, [one]))
    return Installed.of(place, place.facilities[0], one)


# probe


@pytest.mark.parametrize(
    ("kind", "address", "question"),
    [
        ("free_wifi", "192.0.2.7", Reach(HostAddress("192.0.2.7"))),
        ("free_wifi", "ap-1.lan:8291", Reach(HostAddress("ap-1.lan", 8291))),
        ("free_wifi", "http://192.0.2.7", Fetch(read_web("http://192.0.2.7"), healthy=False)),
        ("it_service", "http://desa.example/s", Fetch(read_web("http://desa.example/s"), healthy=True)),
        ("it_service", "server.lan", Reach(HostAddress("server.lan"))),
        ("gate", "192.0.2.7", None),
    ],
    ids=["radio", "radio by a port", "radio by its page", "service", "service by its host", "internet alone"],
)
def test_what_a_probe_asks(kind: str, address: str, question: Question | None) -> None:
    assert Probe().question(installed(kind, device("p", "probe", address))) == question
    assert wants_internet(installed(kind, device("p", "probe", address)))


@pytest.mark.parametrize(
    ("kind", "question", "answer", "means"),
    [
        ("free_wifi", Reach(HostAddress("a")), YES, {"wifi_up": True}),
        ("free_wifi", Reach(HostAddress("a")), NO, {"wifi_up": False}),
        ("free_wifi", Reach(HostAddress("a")), NOTHING, {}),
        ("it_service", Fetch(read_web("http://a"), healthy=True), YES, {"service_ok": True, "latency": 12.3}),
        ("it_service", Fetch(read_web("http://a"), healthy=True), NO, {"service_ok": False}),
        ("it_service", Fetch(read_web("http://a"), healthy=True), NOTHING, {}),
        ("free_wifi", CHECK, YES, {"internet": True}),
        ("free_wifi", CHECK, NO, {"internet": False}),
        ("free_wifi", CHECK, NOTHING, {}),
        ("it_service", CHECK, YES, {"internet": True}),
        ("gate", CHECK, NO, {"internet": False}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_an_answer_to_a_probe_means(
    kind: str, question: Question, answer: Answer, means: dict[str, object]
) -> None:
    one = installed(kind, device("p", "probe", "192.0.2.7"))
    assert values(Probe().translate(one, question, answer)) == means


def test_a_map_makes_mains_of_a_host_that_hangs_on_them_and_turns_it_round() -> None:
    lamp = installed("power", device("p", "probe", "192.0.2.7", {"reachability": "mains"}))
    assert Probe().question(lamp) == Reach(HostAddress("192.0.2.7"))
    assert values(Probe().translate(lamp, Reach(HostAddress("192.0.2.7")), YES)) == {"mains": True}
    turned = installed("power", device("p", "probe", "192.0.2.7", {"reachability": "mains"}, {"mains"}))
    assert values(Probe().translate(turned, Reach(HostAddress("192.0.2.7")), YES)) == {"mains": False}


def test_a_host_that_is_not_there_has_not_been_heard() -> None:
    one = installed("free_wifi", device("p", "probe", "192.0.2.7"))
    assert Probe().translate(one, Reach(HostAddress("192.0.2.7")), YES).heard
    assert not Probe().translate(one, Reach(HostAddress("192.0.2.7")), NO).heard
    assert not Probe().translate(one, CHECK, YES).heard


# snmp

STATUS, CLIENTS, UPTIME = "1.3.6.1.2.1.2.2.1.8.3", "1.3.6.1.4.1.14988.1.1.1.3.1.6", "1.3.6.1.2.1.1.3.0"
OWN = "1.3.6.1.4.1.99999.1.0"
QUESTION = Agent(HostAddress("192.0.2.7"), (), ())


def translated(mapped: dict[str, str], answer: Answer, invert: set[str] | None = None) -> Translation:
    return Snmp().translate(installed("free_wifi", device("ap", "snmp", "192.0.2.7", mapped, invert)), QUESTION, answer)


def test_all_oids_are_asked_at_once_each_once() -> None:
    mapped = {f".{STATUS}": "wifi_up", f"{CLIENTS}.*": "clients", f"{OWN}": "rssi", UPTIME: "uptime"}
    one = installed("free_wifi", device("ap", "snmp", "192.0.2.7:1161", mapped))
    assert Snmp().question(one) == Agent(HostAddress("192.0.2.7", 1161), (STATUS, OWN, UPTIME), (CLIENTS,))


def test_without_a_map_nothing_is_asked() -> None:
    assert Snmp().question(installed("free_wifi", device("ap", "snmp", "192.0.2.7"))) is None


@pytest.mark.parametrize(
    ("address", "mapped"),
    [("no host", {OWN: "clients"}), ("192.0.2.7", {"IF-MIB::ifOperStatus.1": "wifi_up"})],
    ids=["address", "key"],
)
def test_what_cannot_be_asked_is_said(address: str, mapped: dict[str, str]) -> None:
    with pytest.raises(BadAddress):
        Snmp().question(installed("free_wifi", device("ap", "snmp", address, mapped)))


def test_an_interface_that_is_enabled_is_up_whoever_is_on_it() -> None:
    """RouterOS reports a radio without clients as down (ifOperStatus 2); ifAdminStatus says whether it is enabled."""
    admin = "1.3.6.1.2.1.2.2.1.7.3"
    said = [values(translated({admin: "wifi_up"}, Values({admin: raw, STATUS: 2}))) for raw in (1, 2, 3)]
    assert said == [{"wifi_up": True}, {"wifi_up": False}, {"wifi_up": False}]


def test_a_number_of_rows_is_true_where_there_are_any() -> None:
    said = [values(translated({f"{OWN}.#": "wifi_up"}, Values({}, {OWN: [7] * rows}))) for rows in (0, 1, 2, 5)]
    assert said == [{"wifi_up": rows > 0} for rows in (0, 1, 2, 5)]


def test_an_integer_of_a_mib_is_no_position() -> None:
    assert labels(translated({OWN: "gate_open"}, Values({OWN: 37}))) == ["wrong_value"]
    assert values(translated({OWN: "gate_open"}, Values({OWN: "opening"}))) == {}
    assert values(translated({OWN: "gate_open"}, Values({OWN: b"open"}))) == {"gate_open": True}


def test_a_polled_value_of_an_event_is_a_state_that_is_repeated() -> None:
    for raw, value in ((1, 1), (2, 0), (0, 0), ("up", 1)):
        found = translated({OWN: "checkin"}, Values({OWN: raw}))
        assert (values(found), [each.key for each in found.repeats.values()]) == ({"checkin": value}, [OWN])
    there = installed("night_guard", device("p", "probe", "192.0.2.7", {"reachability": "checkin"}))
    found = Probe().translate(there, Reach(HostAddress("192.0.2.7")), YES)
    assert (values(found), [each.key for each in found.repeats.values()]) == ({"checkin": 1}, ["reachability"])


@pytest.mark.parametrize(
    ("raw", "up"),
    [(1, True), (2, False), (3, False), (4, None), (5, False), (6, False), (7, False)],
    ids=["up", "down", "testing", "unknown", "dormant", "notPresent", "lowerLayerDown"],
)
def test_an_interface_is_up_where_packets_pass(raw: int, up: bool | None) -> None:
    assert values(translated({STATUS: "wifi_up"}, Values({STATUS: raw}))) == ({} if up is None else {"wifi_up": up})


@pytest.mark.parametrize(
    ("signal", "raw", "means"),
    [
        ("wifi_open", 1, True),
        ("wifi_open", 2, False),
        ("wifi_open", 0, False),
        ("wifi_open", b"up", True),
        ("wifi_open", b"disabled", False),
        ("wifi_open", b"ON", True),
        ("clients", 17, 17),
        ("clients", b"17", 17),
        ("clients", b"17\0", 17),
        ("clients", 0, 0),
        ("rssi", -67, -67.0),
        ("rssi", b"-67.5", -67.5),
        ("rx_bytes", 4_294_967_295, 4_294_967_295),
        ("rx_bytes", 2**63 - 1, 2**63 - 1),
        ("power", 12.5, 12.5),
        ("uptime", 3600, 3600),
    ],
    ids=str,
)
def test_a_value_of_any_agent_is_read(signal: str, raw: object, means: object) -> None:
    read = values(translated({OWN: signal}, Values({OWN: raw})))
    assert read == {signal: means}
    assert type(read[signal]) is type(means)


@pytest.mark.parametrize(
    ("signal", "raw"),
    [
        ("clients", 4_294_967_295),
        ("clients", 2_147_483_647),
        ("clients", -1),
        ("clients", b""),
        ("clients", None),
        ("rssi", -2_147_483_648),
        ("battery", 2_147_483_647),
        ("uptime", -1),
        ("wifi_open", b"unknown"),
    ],
    ids=str,
)
def test_what_was_never_set_says_nothing(signal: str, raw: object) -> None:
    translation = translated({OWN: signal}, Values({OWN: raw}))
    assert values(translation) == {}
    assert labels(translation) == []


@pytest.mark.parametrize(
    ("signal", "raw"),
    [("clients", b"many"), ("wifi_open", 7), ("rx_bytes", 2**64 - 1), ("rssi", float("nan")), ("rssi", b"-67 dBm")],
    ids=str,
)
def test_what_is_no_value_is_refused_and_costs_nothing_else(signal: str, raw: object) -> None:
    translation = translated({OWN: signal, UPTIME: "uptime"}, Values({OWN: raw, UPTIME: 4250}))
    assert values(translation) == {"uptime": 42}
    assert len(labels(translation)) == 1


@pytest.mark.parametrize(
    ("oid", "raw", "seconds"),
    [
        (UPTIME, 4250, 42),
        ("1.3.6.1.2.1.25.1.1.0", 4250, 42),
        (UPTIME, 2**32 - 101, 42_949_671),
        (UPTIME, 0, 0),
        ("1.3.6.1.6.3.10.2.1.3.0", 4250, 4250),
        ("1.3.6.1.4.1.41112.1.6.3.5.0", 4250, 4250),
    ],
    ids=["sysUpTime", "hrSystemUptime", "before it wraps", "after it wrapped", "snmpEngineTime", "an enterprise's own"],
)
def test_uptime_is_in_seconds(oid: str, raw: int, seconds: int) -> None:
    assert values(translated({oid: "uptime"}, Values({oid: raw}))) == {"uptime": seconds}


@pytest.mark.parametrize(
    ("key", "signal", "rows", "means"),
    [
        (f"{CLIENTS}.*", "clients", [4, 9], {"clients": 13}),
        (f"{CLIENTS}.*", "clients", [4, 2**32 - 1], {"clients": 4}),
        (f"{CLIENTS}.*", "clients", [b"4", 9], {"clients": 13}),
        (f"{CLIENTS}.*", "clients", [0, 0], {"clients": 0}),
        (f"{CLIENTS}.*", "clients", [], {}),
        (f"{CLIENTS}.#", "clients", [b"\x02\x00\x00\x00\x00\x01", b"\x02\x00\x00\x00\x00\x02"], {"clients": 2}),
        (f"{CLIENTS}.#", "clients", [], {"clients": 0}),
        ("1.3.6.1.2.1.2.2.1.8.*", "wifi_up", [2, 1, 7], {"wifi_up": True}),
        ("1.3.6.1.2.1.2.2.1.8.*", "wifi_up", [2, 7], {"wifi_up": False}),
        ("1.3.6.1.2.1.2.2.1.8.*", "wifi_up", [4, 4], {}),
        ("1.3.6.1.2.1.31.1.1.1.6.*", "rx_bytes", [2**40, 7], {"rx_bytes": 2**40 + 7}),
    ],
    ids=[
        "two radios",
        "one that was never set",
        "one as text",
        "nobody",
        "no such table",
        "stations are counted",
        "no station",
        "one interface is up",
        "none is up",
        "unknown",
        "counters",
    ],
)
def test_a_table_is_summed_counted_or_one_of_it_is_true(
    key: str, signal: str, rows: list[object], means: dict[str, object]
) -> None:
    oid = key[:-2]
    assert values(translated({key: signal}, Values(tables={oid: rows}))) == means


def test_a_row_that_is_no_number_is_refused_as_no_sum_can_be_right() -> None:
    translation = translated({f"{CLIENTS}.*": "clients"}, Values(tables={CLIENTS: [4, b"many"]}))
    assert values(translation) == {}
    assert labels(translation) == ["wrong_value"]


def test_a_boolean_is_turned_round_where_the_site_says_so() -> None:
    assert values(translated({OWN: "wifi_open"}, Values({OWN: 2}), {"wifi_open"})) == {"wifi_open": True}


@pytest.mark.parametrize("answer", [Values(), NOTHING], ids=["nothing of it is there", "nobody answered"])
def test_without_an_answer_nothing_is_said(answer: Answer) -> None:
    translation = translated({OWN: "clients", f"{CLIENTS}.*": "clients", STATUS: "wifi_up"}, answer)
    assert translation.ignored
    assert translation.heard is isinstance(answer, Values)
