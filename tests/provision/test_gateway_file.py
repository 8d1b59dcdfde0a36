"""The one file for a gateway, and the village's part of the sites file in it."""

from datetime import date

import orjson
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from siaga.model.indicators import INDICATORS
from siaga.model.sites import Adapter, Device, Facility, Needs, Silence, Village
from siaga.mqtt import Tls
from siaga.provision.damaged import DamagedFile
from siaga.provision.gateway_file import GatewayFile, read_gateway_file
from siaga.sites.file import read_sites
from siaga.sites.writing import village_part

SLUGS = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,9}", fullmatch=True)
NAMES = st.text(
    st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs"), exclude_characters="\ufeff"),
    min_size=1,
    max_size=30,
).filter(lambda text: bool(text.strip()) and text.isprintable())
DURATIONS = st.integers(1, 10_000).map(lambda seconds: seconds * 1000)
SHARES = st.integers(1, 10**9).map(lambda n: float(f"{n / 1e9:.9f}")) | st.integers(1, 10**9).map(
    lambda n: float(f"{n / 1e7:.7f}") / 100
)
DEVICES = st.builds(
    Device,
    id=SLUGS,
    adapter=st.sampled_from([Adapter.TASMOTA, Adapter.JSON, Adapter.ESPHOME]),
    every=DURATIONS,
    address=st.from_regex(r"[a-z0-9/. :'\"-]{1,20}", fullmatch=True).filter(lambda text: bool(text.strip())),
    map=st.dictionaries(st.from_regex(r"[A-Za-z0-9.]{1,10}", fullmatch=True), st.just("gate_open"), max_size=3),
    invert=st.sets(st.sampled_from(["gate_open", "lamp_on"])).map(frozenset),
)
FACILITIES = st.builds(
    Facility,
    id=SLUGS,
    kind=st.sampled_from(list(INDICATORS)),
    name=NAMES,
    devices=st.lists(DEVICES, max_size=3).map(tuple),
    since=st.none() | st.dates(date(2020, 1, 1), date(2030, 1, 1)),
    needs=st.sampled_from(list(Needs)),
    grace=st.none() | st.just(0) | DURATIONS,
    recovery=st.none() | DURATIONS,
    target=st.none() | SHARES,
    schedule=st.sampled_from([None, "night", "24h", ("Mon-Sat 18:00-06:00", "Sun 08:00-24:00")]),
    silence=st.none() | st.sampled_from(list(Silence)),
)


def distinct(village: Village) -> bool:
    devices = [device for facility in village.facilities for device in facility.devices]
    return (
        len({facility.id for facility in village.facilities}) == len(village.facilities)
        and len({device.id for device in devices}) == len(devices)
        and len({(device.adapter, device.address) for device in devices}) == len(devices)
    )


VILLAGES = st.builds(
    Village,
    code=st.just("35.10.15.2012"),
    name=NAMES,
    latitude=st.floats(-90, 90).filter(lambda x: abs(x) >= 1e-4),
    longitude=st.floats(-180, 180).filter(lambda x: abs(x) >= 1e-4),
    timezone=st.sampled_from(["Asia/Jakarta", "Asia/Jayapura"]),
    facilities=st.lists(FACILITIES, max_size=3).map(tuple),
    remote=st.booleans(),
    offline_after=DURATIONS,
    uplink=st.none() | NAMES,
).filter(distinct)


@given(VILLAGES)
def test_a_village_is_written_as_it_was_read(village: Village) -> None:
    part = village_part(village)
    assert read_sites(orjson.dumps(part).decode(), "as JSON") == [village]
    assert read_sites(yaml.safe_dump(part, allow_unicode=True), "as YAML") == [village]


@settings(max_examples=60)
@given(VILLAGES, st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1))
def test_a_gateway_file_is_read_as_it_was_written(village: Village, password: str) -> None:
    file = GatewayFile(1_795_982_439, village, "mqtts://broker.example.go.id:8883", village.code, password)
    assert read_gateway_file(file.text(), "gateway.yaml") == file


def a_file(**changed: object) -> str:
    village = Village("35.10.15.2012", "Kampunganyar", -8.19, 114.3, "Asia/Jakarta", remote=True)
    file = GatewayFile(1_795_982_439, village, "mqtts://broker.example.go.id:8883", village.code, "p:ss/w@rd")
    content = yaml.safe_load(file.text())
    return yaml.safe_dump(content | changed)


def test_its_url_carries_the_credential_and_its_text_does_not_show_it() -> None:
    file = read_gateway_file(a_file(), "gateway.yaml")
    assert file.url == "mqtts://35.10.15.2012:p%3Ass%2Fw%40rd@broker.example.go.id:8883"
    assert file.host == "broker.example.go.id"
    assert "p:ss" not in repr(file)
    assert "x" * 20 not in repr(Tls(None, "c", "x" * 20))


MISTAKES = {
    "not YAML": ("broker: {", "is not YAML: copy the gateway's file again, whole"),
    "another file": ("villages: []", "copy its file again, whole"),
    "empty": ("", "copy its file again, whole"),
    "a newer one": (a_file(version=2), "is of a newer siaga"),
    "no broker": (a_file(broker={"address": "http://x", "password": "rahasia"}), "broker.address: the broker's URL"),
    "unknown key": (a_file(broker={"address": "mqtt://x", "pasword": "rahasia"}), "broker.pasword: is not what"),
    "no certificate": (a_file(broker={"address": "mqtts://x", "ca": "-----BEGIN"}), "certificate"),
    "two villages": (a_file(sites={"villages": []}), "has 0 villages, and a gateway serves one"),
    "a mistake": (a_file(sites={"villages": [{"code": "x"}]}), "sites line"),
}


@pytest.mark.parametrize(("text", "sentence"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_file_that_is_none_is_told_in_a_sentence_without_a_secret(text: str, sentence: str) -> None:
    with pytest.raises(DamagedFile, match=r"^gateway\.yaml: ") as told:
        read_gateway_file(text, "gateway.yaml")
    assert sentence in str(told.value)
    assert "rahasia" not in str(told.value)
