"""Our own firmware's packs, births and last wills."""

import pytest

from tests.gateway.places import NOW, device, labels, read, values

GATE = device("gerbang-1", "senml")
PACK = "siaga/v1/35.10.15.2012/gerbang-1/senml"
STATUS = "siaga/v1/35.10.15.2012/gerbang-1/status"


@pytest.mark.parametrize(
    ("pack", "expected", "refused"),
    [
        (
            '[{"bt":1767225590,"n":"gate_open","vb":true},{"n":"battery","u":"%EL","v":88}]',
            {"gate_open": True, "battery": 88.0},
            [],
        ),
        ('[{"n":"gate_open","v":1}]', {"gate_open": True}, []),
        ('[{"n":"gate_open","vs":"closed"}]', {"gate_open": False}, []),
        ('[{"n":"checkin","vb":true}]', {"checkin": 1}, []),
        ('[{"n":"soil","v":3}]', {}, []),
        ('[{"n":"online","vb":true},{"n":"alive","vb":true},{"n":"heard","v":1}]', {}, []),
        ('[{"n":"battery","v":"88"},{"n":"gate_open","vb":true}]', {"gate_open": True}, ["senml"]),
        ('[{"n":"battery","v":NaN},{"n":"gate_open","vb":true}]', {"gate_open": True}, ["senml"]),
        ('[{"n":"gate_open","v":37}]', {"gate_open": True}, []),
        ('[{"n":"gate_open","v":101}]', {}, ["wrong_value"]),
        ('[{"n":"gate_open","vs":"opening"}]', {}, []),
        ('[{"n":"clients","v":2.5},{"n":"uptime","v":7}]', {"uptime": 7}, ["wrong_value"]),
        ('[{"n":"gate_open","vs":"vielleicht"}]', {}, ["wrong_value"]),
        ('{"n":"gate_open"}', {}, ["senml"]),
        ("gate_open", {}, ["senml"]),
        ('[{"n":"gate_open","vb":true,"must_":1}]', {}, ["senml"]),
        ("", {}, []),
    ],
    ids=[
        "a pack",
        "a number for a boolean",
        "a word for a boolean",
        "an event",
        "an unknown name is of no use",
        "a session and a heartbeat cannot be said so",
        "a text for a number",
        "a number that is none",
        "a position for a boolean",
        "no position",
        "on its way",
        "half a client",
        "a word where a value was due",
        "no array",
        "no JSON",
        "a label that must be understood",
        "cleared",
    ],
)
def test_a_pack_means(pack: str, expected: dict[str, object], refused: list[str]) -> None:
    translation = read("gate", GATE, PACK, pack)
    assert values(translation) == expected
    assert labels(translation) == refused


def test_a_map_gives_names_of_its_own_a_meaning_and_others_another() -> None:
    mapped = device("gerbang-1", "senml", mapped={"pintu": "gate_open", "presence": "lamp_on"})
    pack = '[{"n":"pintu","vb":true},{"n":"presence","vb":false},{"n":"battery","v":88},{"n":"gate_open","vb":false}]'
    assert values(read("gate", mapped, PACK, pack)) == {"gate_open": True, "lamp_on": False, "battery": 88.0}


def test_each_record_has_its_time_and_one_without_has_none() -> None:
    translation = read(
        "gate", GATE, PACK, f'[{{"n":"battery","v":1}},{{"n":"gate_open","vb":true,"t":{NOW // 1000 - 7}}}]'
    )
    assert translation is not None
    assert [(each.signal, each.time) for each in translation.observed] == [("battery", None), ("gate_open", NOW - 7000)]


@pytest.mark.parametrize(
    ("payload", "expected", "refused"),
    [
        (b"online", {"online": True}, []),
        (b"offline", {"online": False}, []),
        (b"", {}, []),
        (b"hier", {}, ["wrong_value"]),
        (b"\xff", {}, ["not_utf8"]),
    ],
)
def test_a_status_means(payload: bytes, expected: dict[str, object], refused: list[str]) -> None:
    translation = read("gate", GATE, STATUS, payload)
    assert values(translation) == expected
    assert labels(translation) == refused


def test_a_pack_over_64_kb_is_refused() -> None:
    assert labels(read("gate", GATE, PACK, b"[" + b" " * 64_000 + b"]")) == ["too_large"]


def test_the_site_turns_a_signal_round() -> None:
    turned = device("gerbang-1", "senml", invert={"gate_open"})
    assert values(read("gate", turned, PACK, '[{"n":"gate_open","vb":true}]')) == {"gate_open": False}
