"""Addresses of devices that are asked, as the sites file has them, and the settings that go with them."""

import re
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.adapters import Installed
from gateway.pollers import POLLERS
from siaga.run.settings import INTERNET_URL, SettingsError, load_settings
from siaga.run.village_gateway import how_to_ask
from siaga.sites.file import SitesFileError, read_sites
from siaga.sites.poll_address import (
    PROBE_KEYS,
    BadAddress,
    HostAddress,
    Oid,
    WebAddress,
    read_host,
    read_oid,
    read_probe_address,
    read_web,
)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.7", HostAddress("192.0.2.7")),
        ("192.0.2.7:8291", HostAddress("192.0.2.7", 8291)),
        ("ap-1.lan", HostAddress("ap-1.lan")),
        ("AP_1", HostAddress("AP_1")),
        ("ap-1.lan:80", HostAddress("ap-1.lan", 80)),
        ("2001:db8::7", HostAddress("2001:db8::7")),
        ("[2001:db8::7]", HostAddress("2001:db8::7")),
        ("[2001:db8::7]:22", HostAddress("2001:db8::7", 22)),
        ("http://192.0.2.7", WebAddress(False, "192.0.2.7", 80, "/")),
        ("https://desa.example/a?b=c", WebAddress(True, "desa.example", 443, "/a?b=c")),
        ("https://desa.example:8443", WebAddress(True, "desa.example", 8443, "/")),
        ("http://[2001:db8::7]:81/x", WebAddress(False, "2001:db8::7", 81, "/x")),
        ("https://desa.example/#match=Ada+air", WebAddress(True, "desa.example", 443, "/", None, "Ada air")),
        ("http://desa.example/#status=401&match=%26", WebAddress(False, "desa.example", 80, "/", 401, "&")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_host_or_a_web_address(text: str, address: HostAddress | WebAddress) -> None:
    assert read_probe_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "ap 1", "ap-1.lan:", "ap-1.lan:0", "ap-1.lan:65536", "ap-1.lan:http", "192.0.2.777", "192.0.2", "-ap",
        "[192.0.2.7]", "[2001:db8::7", "[2001:db8::7]22", "x" * 64, ".".join(["abc"] * 70), "ap-1\n", "ap/1", "a:b:c",
        "ftp://desa.example", "http://", "http:///x", "https://desa.example:99999", "http://a b/", "http://a/\r\nX: y",
        "http://desa.example/é", "http://desa.example/#/home", "http://desa.example/#mtach=ok",
        "http://desa.example/#status=999", "http://desa.example/#match=", "http://192.0.2.777/",
        f"http://desa.example/#match={'x' * 201}",
    ],
)  # fmt: skip
def test_what_is_neither_is_a_mistake(text: str) -> None:
    with pytest.raises(BadAddress):
        read_probe_address(text)


@pytest.mark.parametrize("text", ["http://admin:rahasia@192.0.2.7/", "https://teknisi@desa.example/"])
def test_an_address_with_a_password_is_a_mistake_that_does_not_repeat_it(text: str) -> None:
    with pytest.raises(BadAddress) as problem:
        read_web(text)
    assert "rahasia" not in str(problem.value)


@given(st.text(max_size=80))
def test_any_text_is_an_address_or_a_mistake(text: str) -> None:
    for read in (read_probe_address, read_host, read_oid):
        try:
            read(text)
        except BadAddress:
            continue


@given(st.from_regex(r"\A(\d{1,3}\.){3}\d{1,3}(:\d{1,5})?\Z"))
def test_a_host_reads_as_it_is_written(text: str) -> None:
    try:
        address = read_host(text)
    except BadAddress:
        return
    assert str(address) == text


@pytest.mark.parametrize(
    ("text", "oid"),
    [
        ("1.3.6.1.2.1.1.3.0", Oid("1.3.6.1.2.1.1.3.0")),
        (".1.3.6.1.2.1.1.3.0", Oid("1.3.6.1.2.1.1.3.0")),
        ("1.3.6.1.4.1.14988.1.1.1.3.1.6.*", Oid("1.3.6.1.4.1.14988.1.1.1.3.1.6", "*")),
        ("1.3.6.1.4.1.14988.1.1.1.2.1.1.#", Oid("1.3.6.1.4.1.14988.1.1.1.2.1.1", "#")),
    ],
)
def test_an_oid_in_numbers(text: str, oid: Oid) -> None:
    assert read_oid(text) == oid


@pytest.mark.parametrize(
    "text",
    ["", "1", "1.", "3.1", "1.3.*.6", "1.3.6.", "IF-MIB::ifOperStatus.1", "iso.3.6", "1.3.6.4294967296", "1.3.06",
     "1.3.6.*.*", "*", "1." * 130 + "1"],
)  # fmt: skip
def test_what_is_no_oid_is_a_mistake(text: str) -> None:
    with pytest.raises(BadAddress):
        read_oid(text)


FILE = """
villages:
  - code: "35.10.15.2012"
    name: Kampunganyar
    lat: -8.19
    lon: 114.30
    timezone: Asia/Jakarta
    facilities:
      - id: wifi
        kind: free_wifi
        name: Wi-Fi balai desa
        devices:
          - {{id: ap-1, adapter: {adapter}, address: "{address}", map: {{{mapped}}}}}
"""


@pytest.mark.parametrize(
    ("adapter", "address", "mapped", "sentence"),
    [
        ("probe", "192.0.2.777", "", 'sites.yaml line 13: address: "192.0.2.777" is no host such as'),
        ("probe", "http://a:b@c/", "", "holds a user name or a password"),
        ("probe", "192.0.2.7", "ping: wifi_up", 'line 13: map.ping: "wifi_up" stands at a key that a probe does not'),
        ("snmp", "http://192.0.2.7", "", "is no host such as"),
        ("snmp", "192.0.2.7", "ifOperStatus: wifi_up", "stands at a key that is no OID in numbers such as"),
        ("snmp", "192.0.2.7", "1.3.6.1.2.1.2.2.1.8.1: up", 'map.1.3.6.1.2.1.2.2.1.8.1: "up" is no signal'),
    ],
    ids=["host", "password", "key of a probe", "a web address for snmp", "a name for an OID", "no signal"],
)
def test_a_mistake_in_the_sites_file_is_a_sentence(adapter: str, address: str, mapped: str, sentence: str) -> None:
    with pytest.raises(SitesFileError) as problem:
        read_sites(FILE.format(adapter=adapter, address=address, mapped=mapped), "sites.yaml")
    assert sentence in str(problem.value)


@pytest.mark.parametrize(
    ("adapter", "address", "mapped"),
    [
        ("probe", "http://192.0.2.7/#status=401", ""),
        ("probe", "192.0.2.7", "reachability: mains"),
        ("snmp", "192.0.2.7", "1.3.6.1.4.1.14988.1.1.1.3.1.6.*: clients, 1.3.6.1.4.1.14988.1.1.1.2.1.1.#: clients"),
    ],
    ids=["probe", "probe with a map", "snmp"],
)
def test_what_can_be_asked_is_imported(adapter: str, address: str, mapped: str) -> None:
    [village] = read_sites(FILE.format(adapter=adapter, address=address, mapped=mapped), "sites.yaml")
    assert village.device("ap-1") is not None


GUIDE = (Path(__file__).parents[3] / "docs" / "probes.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("example", re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL), ids=["wifi", "service", "snmp"])
def test_what_the_guide_shows_is_read_and_can_be_asked(example: str) -> None:
    head = FILE.partition("      - id")[0].replace("{{", "{").replace("}}", "}")
    [village] = read_sites(head + textwrap.indent(example, " " * 6), "probes.md")
    for facility in village.facilities:
        for one in facility.devices:
            assert POLLERS[one.adapter].question(Installed.of(village, facility, one)) is not None


def test_the_guide_names_the_defaults_that_are() -> None:
    assert f"`{INTERNET_URL}`" in GUIDE
    assert all(f"`{key}`" in GUIDE for key in PROBE_KEYS)


# Settings


def test_by_default_the_internet_is_asked_for_where_phones_ask_and_the_community_is_public() -> None:
    asking = how_to_ask(load_settings())
    assert asking.internet == read_web(INTERNET_URL)
    assert asking.credentials.community == "public"
    assert asking.credentials.user is None


def test_settings_say_whom_to_ask_and_with_what(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIAGA_PROBE_INTERNET_URL", "http://127.0.0.1:8/generate_204")
    monkeypatch.setenv("SIAGA_SNMP_COMMUNITY", "kampung")
    monkeypatch.setenv("SIAGA_SNMP_USER", "teknisi")
    monkeypatch.setenv("SIAGA_SNMP_AUTH_PASSWORD", "sandi-sandi")
    monkeypatch.setenv("SIAGA_SNMP_PRIVACY_PASSWORD", "rahasia-rahasia")
    asking = how_to_ask(load_settings())
    assert asking.internet == read_web("http://127.0.0.1:8/generate_204")
    secrets = asking.credentials
    assert (secrets.community, secrets.user) == ("kampung", "teknisi")
    assert (secrets.auth_password, secrets.privacy_password) == ("sandi-sandi", "rahasia-rahasia")
    assert "kampung" not in repr(asking)
    assert "sandi" not in repr(asking)


def test_the_internet_can_be_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIAGA_PROBE_INTERNET_URL", "off")
    assert how_to_ask(load_settings()).internet is None


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("SIAGA_PROBE_INTERNET_URL", "check.example", "SIAGA_PROBE_INTERNET_URL: it is no web address"),
        ("SIAGA_SNMP_AUTH_PASSWORD", "pendek", "SIAGA_SNMP_AUTH_PASSWORD: value should have at least 8"),
    ],
)
def test_a_setting_that_cannot_be_used_is_a_sentence_without_its_secret(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as problem:
        load_settings()
    assert sentence in str(problem.value)
    assert "pendek" not in str(problem.value)
