"""A sites file is read as it is meant, or every mistake in it is named by line, key and value, and nothing is taken."""

import os
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from siaga.model.clock import MINUTE, SECOND
from siaga.model.indicators import INDICATORS
from siaga.model.sites import Adapter, Device, Facility, Needs, Silence, Village
from siaga.sites.file import SitesFileError, read_document, read_sites
from siaga.sites.on_disk import read_sites_file

WHOLE = """\
villages:
  - code: "35.10.15.2012"
    name: Kampunganyar
    lat: -8.19
    lon: 114.30
    timezone: Asia/Jakarta
    gateway: remote             # the village runs a gateway of its own
    offline_after: 10m
    uplink: odp-glagah-2
    facilities:
      - id: gerbang
        kind: gate
        name: Gerbang kantor desa
        since: 2026-01-01
        needs: all
        grace: 0s
        recovery: 90s
        target: 95 %
        schedule: ["Mon-Sat 18:00-06:00", "Sun 08:00-24:00"]
        silence: failed
        devices:
          - id: gerbang-1
            adapter: tasmota
            address: gerbang-depan
            every: 30s
            map: {Switch1: gate_open, 0: battery}
            invert: [gate_open]
          - {id: gerbang-2, adapter: lorawan, address: 0004A30B001C0530, map: {door.open: gate_open}}
  - code: "35.10.15.2010"
    name: Tamansuruh
    lat: -8
    lon: 114.31
    timezone: Asia/Jakarta
    facilities:
      - {id: listrik, kind: power, name: Listrik, devices: [{id: meter, adapter: senml}]}
"""


BESIDE = """\
regions:
  - {code: "35.10", name: Kabupaten Banyuwangi}
  - {code: "35.10.15", name: Kecamatan Glagah}
holidays:
  - {date: 2026-03-20, name: Cuti bersama Idulfitri}
  - {date: "2026-08-17", name: Hari Kemerdekaan}
"""


def test_what_stands_beside_the_villages() -> None:
    document = read_document(WHOLE + BESIDE, "sites.yaml")
    assert document.regions == {"35.10": "Kabupaten Banyuwangi", "35.10.15": "Kecamatan Glagah"}
    holidays = frozenset({date(2026, 3, 20), date(2026, 8, 17)})
    assert [village.holidays for village in document.villages] == [holidays, holidays], "they hold for all villages"
    assert [replace(village, holidays=frozenset()) for village in document.villages] == read_sites(WHOLE, "sites.yaml")


BESIDE_MISTAKES = [
    ('regions: {code: "35.10"}', 1, "sites.yaml line 1: regions: a group of keys is not a list"),
    ('regions: [{code: "35.10"}]', 1, "sites.yaml line 1: name: is missing"),
    ("regions:\n  - {code: 35.10, name: X}", 2, "sites.yaml line 2: code: 35.10 is not a text; write it in quotes"),
    ('regions:\n  - {code: "35.1", name: X}', 2,
     'sites.yaml line 2: code: "35.1" is not the code of a region such as "35.10" or "35.10.15"'),
    ('regions:\n  - {code: "35.10.15.2012", name: X}', 2,
     'sites.yaml line 2: code: "35.10.15.2012" is not the code of a region such as "35.10" or "35.10.15"'),
    ('regions:\n  - {code: "35.10", name: X}\n  - {code: "35.10", name: Y}', 3,
     'sites.yaml line 3: code: "35.10" is the code of another region, in line 2'),
    ('regions:\n  - {code: "35.10", name: X, nama: Y}', 2,
     'sites.yaml line 2: nama: "Y" has no meaning here: there is no key nama; did you mean name?'),
    ("holidays: 2026-03-20", 1, "sites.yaml line 1: holidays: 2026-03-20 is not a list"),
    ("holidays: [2026-03-20]", 1, "sites.yaml line 1: holidays: 2026-03-20 is not a group of keys"),
    ("holidays: [{name: X}]", 1, "sites.yaml line 1: date: is missing"),
    ("holidays:\n  - {date: 2026-02-30, name: X}", 2,
     "sites.yaml line 2: date: 2026-02-30 is not a date such as 2026-01-31"),
    ("holidays:\n  - {date: 2026-03-20}", 2, "sites.yaml line 2: name: is missing"),
    ("holidays:\n  - {date: 2026-03-20, name: X}\n  - {date: 2026-03-20, name: Y}", 3,
     "sites.yaml line 3: date: 2026-03-20 is the date of another holiday, in line 2"),
    ("holiday: []", 1, "sites.yaml line 1: holiday: a list has no meaning here: there is no key holiday; "
     "did you mean holidays?"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "sentence"), BESIDE_MISTAKES, ids=[text for text, *_ in BESIDE_MISTAKES])
def test_mistakes_beside_the_villages(text: str, line: int, sentence: str) -> None:
    with pytest.raises(SitesFileError) as caught:
        read_document(f"{text}\nvillages: []\n", "sites.yaml")
    assert str(caught.value) == sentence
    assert [mistake.line for mistake in caught.value.mistakes] == [line]


def test_what_a_file_means() -> None:
    kampunganyar, tamansuruh = read_sites(WHOLE, "sites.yaml")
    assert kampunganyar == Village(
        code="35.10.15.2012",
        name="Kampunganyar",
        latitude=-8.19,
        longitude=114.30,
        timezone="Asia/Jakarta",
        remote=True,
        offline_after=10 * MINUTE,
        uplink="odp-glagah-2",
        facilities=(
            Facility(
                id="gerbang",
                kind="gate",
                name="Gerbang kantor desa",
                since=date(2026, 1, 1),
                needs=Needs.ALL,
                grace=0,
                recovery=90 * SECOND,
                target=0.95,
                schedule=("Mon-Sat 18:00-06:00", "Sun 08:00-24:00"),
                silence=Silence.FAILED,
                devices=(
                    Device(
                        id="gerbang-1",
                        adapter=Adapter.TASMOTA,
                        every=30 * SECOND,
                        address="gerbang-depan",
                        map={"Switch1": "gate_open", "0": "battery"},
                        invert=frozenset({"gate_open"}),
                    ),
                    Device(
                        "gerbang-2",
                        Adapter.LORAWAN,
                        MINUTE,
                        "0004A30B001C0530",
                        {"door.open": "gate_open"},
                        frozenset(),
                    ),
                ),
            ),
        ),
    )
    assert tamansuruh == Village(
        code="35.10.15.2010",
        name="Tamansuruh",
        latitude=-8.0,
        longitude=114.31,
        timezone="Asia/Jakarta",
        facilities=(Facility("listrik", "power", "Listrik", (Device("meter", Adapter.SENML, MINUTE),)),),
    )


def mistakes(text: str) -> list[str]:
    with pytest.raises(SitesFileError) as refused:
        read_sites(text, "sites.yaml")
    assert str(refused.value) == "\n".join(str(mistake) for mistake in refused.value.mistakes)
    return [str(mistake).removeprefix("sites.yaml line ") for mistake in refused.value.mistakes]


def changed(old: str, new: str) -> str:
    assert WHOLE.count(old) >= 1, old
    return WHOLE.replace(old, new, 1)


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        ('"35.10.15.2012"', "35.10", "2: code: 35.10 is not a text; write it in quotes"),
        ('"35.10.15.2012"', '"00.00.00.0000"', '2: code: "00.00.00.0000" is the code of siaga\'s own self-probe'),
        ('"35.10.15.2012"', '"35.10"', '2: code: "35.10" is not the code of a village such as "35.10.15.2012"'),
        ("Kampunganyar", "No", "3: name: No is not a text; write it in quotes"),
        ("Kampunganyar", '"a\\tb"', '3: name: "a\\tb" is not a text of 1 to 200 characters in one line'),
        ("Kampunganyar", '" "', '3: name: " " is not a text of 1 to 200 characters in one line'),
        ("Kampunganyar", "[a]", "3: name: a list is not a text"),
        ("-8.19", "-91", "4: lat: -91 is not a number from -90 to 90"),
        ("-8.19", "'-8.19'", '4: lat: "-8.19" is not a number from -90 to 90'),
        ("-8.19", ".nan", "4: lat: .nan is not a number from -90 to 90"),
        ("-8.19", "12:30", "4: lat: 12:30 is not a number from -90 to 90"),
        ("114.30", "181", "5: lon: 181 is not a number from -180 to 180"),
        ("Asia/Jakarta", "Asia/Jakart", '6: timezone: "Asia/Jakart" is not a time zone such as Asia/Jakarta'),
        ("Asia/Jakarta", "Asia", '6: timezone: "Asia" is not a time zone such as Asia/Jakarta'),
        ("Asia/Jakarta", "../etc/passwd", '6: timezone: "../etc/passwd" is not a time zone such as Asia/Jakarta'),
        ("remote", "local", '7: gateway: "local" is not a kind of gateway: remote'),
        ("10m", "1 minute", '8: offline_after: "1 minute" is not a duration such as 30s, 5m or 2h'),
        ("10m", "0s", '8: offline_after: "0s" is no time at all'),
        ("10m", "600", "8: offline_after: 600 is not a duration such as 30s, 5m or 2h"),
        (
            "uplink:",
            "uplinc:",
            '9: uplinc: "odp-glagah-2" has no meaning here: there is no key uplinc; did you mean uplink?',
        ),
        (
            "id: gerbang\n",
            "id: Gerbang\n",
            '11: id: "Gerbang" is not an id: 1 to 64 of a-z, 0-9, _ and -, a letter or digit first',
        ),
        ("kind: gate", "kind: gaet", '12: kind: "gaet" is not a kind of facility; did you mean gate?'),
        ("2026-01-01", "2026-02-30", "14: since: 2026-02-30 is not a date such as 2026-01-31"),
        ("2026-01-01", "2026-01-01 10:00:00", "14: since: 2026-01-01 10:00:00 is not a date such as 2026-01-31"),
        ("2026-01-01", "yesterday", '14: since: "yesterday" is not a date such as 2026-01-31'),
        ("needs: all", "needs: most", '15: needs: "most" is not one of these: any, all'),
        ("grace: 0s", "grace: -1s", '16: grace: "-1s" is not a duration such as 30s, 5m or 2h'),
        ("95 %", "95", "18: target: 95 is not a share such as 0.99 or 99 %"),
        ("95 %", "0", "18: target: 0 is not a share such as 0.99 or 99 %"),
        ("95 %", "101%", '18: target: "101%" is not a share such as 0.99 or 99 %'),
        ('"Sun 08:00-24:00"', "Sun", "19: schedule: a list is not a schedule: 'Sun' is not a schedule"),
        (
            '["Mon-Sat 18:00-06:00", "Sun 08:00-24:00"]',
            "nights",
            '19: schedule: "nights" is not a schedule; write 24h, night',
        ),
        ('["Mon-Sat 18:00-06:00", "Sun 08:00-24:00"]', "24", "19: schedule: 24 is not a text or a list of texts"),
        ("silence: failed", "silence: fail", '20: silence: "fail" is not a state of silence; did you mean failed?'),
        ("tasmota", "tasmotta", '23: adapter: "tasmotta" is not an adapter; did you mean tasmota?'),
        (
            "            address: gerbang-depan\n",
            "",
            "22: address: is missing: an adapter tasmota finds its device by it",
        ),
        ("gerbang-depan", '"gerbang/#"', '24: address: "gerbang/#" holds + or #, which no topic of a device can'),
        (
            "0004A30B001C0530",
            "pintu-1",
            '28: address: "pintu-1" is no DevEUI: 16 hexadecimal digits such as 70B3D5E75E00A1B2',
        ),
        ("30s", '"1 minute"', '25: every: "1 minute" is not a duration such as 30s, 5m or 2h'),
        ("30s", "0s", '25: every: "0s" is no time at all'),
        ("Switch1: gate_open", "Switch1: gate", '26: map.Switch1: "gate" is no signal'),
        ("Switch1: gate_open", "Switch1: alive", '26: map.Switch1: "alive" is no signal'),
        ("Switch1: gate_open", "Switch1: heard", '26: map.Switch1: "heard" is no signal'),
        ("{Switch1: gate_open, 0: battery}", "[Switch1]", "26: map: a list is not a group of keys"),
        ("[gate_open]", "gate_open", '27: invert: "gate_open" is not a list'),
        (
            "[gate_open]",
            "[battery]",
            '27: invert: "battery" is not boolean, and only a boolean signal can be turned round',
        ),
        ("[gate_open]", "[gate]", '27: invert: "gate" is no signal'),
        ("gerbang-2", "gerbang-1", '28: id: "gerbang-1" is the id of another device of this village, in line 22'),
        ('"35.10.15.2010"', '"35.10.15.2012"', '29: code: "35.10.15.2012" is the code of another village, in line 2'),
        ("kind: power, ", "", "35: kind: is missing"),
        (
            "adapter: senml",
            "adapter: senml, address: x",
            '35: address: "x" has no use: a senml device is found by its own topic',
        ),
        (
            "adapter: senml",
            "adapter: senml, adapter: senml",
            '35: adapter: "senml" stands here again; it is in line 35 already',
        ),
        ("[{id: meter, adapter: senml}]", "[meter]", '35: devices: "meter" is not a group of keys'),
        ("[{id: meter, adapter: senml}]", "", "35: devices: nothing is not a list"),
        (
            "villages:",
            "vilages:",
            "2: vilages: a list has no meaning here: there is no key vilages; did you mean villages?",
        ),
    ],
)
def test_each_mistake_is_one_sentence_with_its_line(old: str, new: str, mistake: str) -> None:
    found = mistakes(changed(old, new))
    assert any(sentence.startswith(mistake) for sentence in found), found


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("", "1: villages: is missing: the file is empty"),
        ("# later\n", "1: villages: is missing: the file is empty"),
        ("villages:\n", "1: villages: nothing is not a list"),
        ("- a\n", "1: villages: a list is not a group of keys"),
        ("villages: [\n", "2: this is not YAML: did not find expected node content"),
        ("villages:\n\t- code: x\n", "2: this is not YAML: found character that cannot start any token"),
        ("villages: []\n---\nvillages: []\n", "2: a second document begins here: the file has one"),
        ("villages: \x00", "1: the character U+0000 may not stand in YAML"),
        ("\nvillages: \ud800", "2: half of a surrogate pair is no character"),
        ("villages: " + "[" * 100_000, "1: this is nested more than 50 levels deep"),
        ("villages: &a [*a]", "1: *a stands for nothing, or for what it is part of"),
        ("villages: " + " " * 16_000_000, "1: the file has 16000010 characters, more than 16000000"),
        ("? [a]\n: b\nvillages: []", "1: villages: a list is not a key"),
    ],
)
def test_what_is_no_sites_file_at_all(text: str, mistake: str) -> None:
    assert mistakes(text)[0].startswith(mistake)


def test_aliases_are_followed_but_not_without_end() -> None:
    laughs = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{name}: &{name} [{','.join(['*' + before] * 10)}]\n"
        for before, name in zip("abcdefg", "bcdefgh", strict=True)
    )
    assert mistakes(laughs) == ["7: the file holds more than 3000000 values"]
    twice = WHOLE.replace("facilities:\n      - {id", "facilities: &power\n      - {id") + (
        "  - {code: '35.10.15.2011', name: Licin, lat: 0, lon: 0, timezone: Asia/Jakarta, facilities: *power}\n"
    )
    assert read_sites(twice, "sites.yaml")[2].facilities == read_sites(WHOLE, "sites.yaml")[1].facilities


def test_a_file_with_ten_mistakes_lists_all_ten_in_the_order_of_their_lines() -> None:
    text = """\
villages:
  - code: "35.10.15.201"
    lat: 100
    lon: east
    timezone: WIB
    facilities:
      - id: Gerbang Depan
        kind: door
        name: Gerbang
        colour: red
        grace: soon
        devices:
          - id: gerbang-1
            adapter: zigbee
            address: x
            every: 1 minute
"""
    found = mistakes(text)
    assert [sentence.split(": ")[:2] for sentence in found] == [
        ["2", "code"],
        ["2", "name"],
        ["3", "lat"],
        ["4", "lon"],
        ["5", "timezone"],
        ["7", "id"],
        ["8", "kind"],
        ["10", "colour"],
        ["11", "grace"],
        ["14", "adapter"],
        ["16", "every"],
    ]


def two_villages(first: str, second: str, one: str, two: str) -> str:
    village = (
        "{{code: '35.10.15.{0}', name: a, lat: 0, lon: 0, timezone: UTC, {1}facilities: [{{id: f, kind: gate, name: f, "
    )
    village += "devices: [{{id: d, {2}}}]}}]}}"
    return f"villages:\n  - {village.format(2001, first, one)}\n  - {village.format(2002, second, two)}\n"


@pytest.mark.parametrize(
    ("first", "second", "one", "two", "fine"),
    [
        pytest.param("", "", "adapter: json, address: a/b", "adapter: json, address: a/b", False, id="at one gateway"),
        pytest.param("", "", "adapter: json, address: a/b", "adapter: json, address: a/c", True, id="two addresses"),
        pytest.param("", "", "adapter: json, address: a", "adapter: shelly, address: a", True, id="two adapters"),
        pytest.param("", "", "adapter: senml", "adapter: senml", True, id="senml, by its own topic"),
        pytest.param(
            "",
            "gateway: remote, ",
            "adapter: json, address: a",
            "adapter: json, address: a",
            True,
            id="ours and a remote one",
        ),
        pytest.param(
            "gateway: remote, ",
            "gateway: remote, ",
            "adapter: json, address: a",
            "adapter: json, address: a",
            True,
            id="two remote ones",
        ),
        pytest.param(
            "",
            "",
            "adapter: lorawan, address: '0004a30b001c0530'",
            "adapter: lorawan, address: 0004A30B001C0530",
            False,
            id="DevEUI in any case",
        ),
        pytest.param(
            "",
            "",
            "adapter: lorawan, address: '0004a30b001c0530'",
            "adapter: lorawan, address: '00-04-A3-0B-00-1C-05-30'",
            False,
            id="DevEUI with separators",
        ),
        pytest.param(
            "", "", "adapter: tasmota, address: A", "adapter: tasmota, address: a", True, id="topics have a case"
        ),
    ],
)
def test_an_address_finds_one_device_behind_a_gateway(first: str, second: str, one: str, two: str, fine: bool) -> None:
    text = two_villages(first, second, one, two)
    if fine:
        assert len(read_sites(text, "sites.yaml")) == 2
    else:
        (mistake,) = mistakes(text)
        assert mistake.startswith("3: address: ")
        assert mistake.endswith("device at the same gateway, in line 2")


def test_every_indicator_has_a_kind_and_power_is_one_too() -> None:
    for kind in (*INDICATORS, "power"):
        assert read_sites(changed("kind: gate", f"kind: {kind}"), "x")[0].facilities[0].kind == kind


def test_very_many_mistakes_are_counted() -> None:
    with pytest.raises(SitesFileError) as refused:
        read_sites("villages: [" + "{}, " * 500 + "]", "x")
    assert len(refused.value.mistakes) == 1_000
    assert str(refused.value).endswith("x: and 1500 more mistakes")


@given(st.text(max_size=200) | st.text(alphabet="ab:- \n[]{}&*?|>'\"#!%,", max_size=200))
@settings(max_examples=200, deadline=None)
def test_no_text_upsets_the_reader(text: str) -> None:
    try:
        villages = read_sites(text, "x")
    except SitesFileError as error:
        villages = []
        assert error.mistakes, "an error names a mistake"  # noqa: PT017 - either way is right
    assert villages == []


LINES = WHOLE.splitlines(keepends=True)
SCRAPS = st.sampled_from(
    ["x", "1", "null", "[]", "{}", "[1]", "{a: b}", "2026-01-01", "-1", "''", "1e999", "*x", "&x y", "!!set x"]
)


@given(st.integers(0, len(LINES) - 1), SCRAPS, st.booleans())
@settings(max_examples=200, deadline=None)
def test_no_change_of_one_line_upsets_the_reader(number: int, scrap: str, drop: bool) -> None:
    line = LINES[number]
    key, colon, _ = line.partition(":")
    lines = [*LINES[:number], *([] if drop else [f"{key}{colon} {scrap}\n"]), *LINES[number + 1 :]]
    try:
        read_sites("".join(lines), "x")
    except SitesFileError as error:
        assert all("\n" not in str(mistake) for mistake in error.mistakes)  # noqa: PT017 - either way is right


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["villages", "code", "facilities", "devices", "id", "map", "invert", "schedule", "lat"]
                ),
                inner,
            )
        ),
        max_leaves=12,
    )
)
@settings(max_examples=100, deadline=None)
def test_no_yaml_upsets_the_reader(document: object) -> None:
    text = yaml.safe_dump({"villages": [document, document]}, allow_unicode=True)
    with pytest.raises(SitesFileError):
        read_sites(text, "x")


def test_a_file_that_siaga_may_not_read_is_told_with_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", denied)
    with pytest.raises(ValueError, match=rf"sites\.yaml: cannot be read: permission denied: user {os.geteuid()}, "):
        read_sites_file(tmp_path / "sites.yaml")
