"""`/setup/unknown`: devices that are heard but stand in no sites file."""

import html
import re
from dataclasses import replace

import httpx
import pytest

from siaga.database.quarantine import Quarantine, Refusal
from siaga.database.unknown_devices import UnknownDevices
from siaga.model.caller import Role
from siaga.model.clock import MINUTE
from siaga.model.scope import Scopes
from siaga.model.sites import Adapter, Device
from siaga.wire.unknown_device import UnknownDevice
from tests.http.district import GLAGAH, LICIN, NOW, District
from tests.people.accounts import OWN, signed_in


def test_each_unknown_device_stands_once_the_last_heard_first(client: httpx.Client, district: District) -> None:
    admin = signed_in(district, Role.ADMIN, "joko")
    none = client.get("/setup/unknown", headers=admin).text
    assert "Tidak ada perangkat tak dikenal." in none
    assert "Perangkat lain (JSON, probe, SNMP, topik yang diubah): tambahkan lewat formulir desanya." in none
    told = ((GLAGAH, "hantu"), (LICIN, "hantu"), (GLAGAH, "hantu"), (LICIN, "lain"))
    Quarantine(district.engine).add(
        Refusal(village, NOW - (60 - n) * MINUTE, f"topic/{n}", f"{name} is unknown", f"<b>{n}", "unknown_device")
        for n, (village, name) in enumerate(told)
    )
    Quarantine(district.engine).add([Refusal(GLAGAH, NOW, "topic/9", "other", "<b>9", "not_json")])
    page = client.get("/setup/unknown", headers=admin).text
    assert re.findall(r"<b>(\w+) is unknown</b>", page) == ["lain", "hantu", "hantu"]
    assert re.findall(r"<pre>&lt;b&gt;(\d)", page) == ["3", "2", "1"]
    assert "2 kali di karantina sejak 11.00 WIB, terakhir 11.02 WIB" in page
    assert "yang ditampilkan" not in page


def test_a_noisy_device_hides_no_other_and_what_is_left_out_is_said(client: httpx.Client, district: District) -> None:
    admin = signed_in(district, Role.ADMIN, "joko")
    told = [(LICIN, f"diam{n}") for n in range(101)] + [(GLAGAH, "ribut")] * 900
    Quarantine(district.engine).add(
        Refusal(village, NOW - (2_000 - n), "topic", f"{name} is unknown", "1", "unknown_device")
        for n, (village, name) in enumerate(told)
    )
    page = client.get("/setup/unknown", headers=admin).text
    shown = re.findall(r"<b>(\w+) is unknown</b>", page)
    assert shown == ["ribut", *(f"diam{n}" for n in range(100, 1, -1))]
    assert "900 kali di karantina" in page
    assert "Hanya 100 perangkat yang terakhir terdengar yang ditampilkan" in page


def quarantined(district: District, *told: tuple[str, str, str]) -> None:
    """Villages, devices and payloads that were refused, a minute apart."""
    Quarantine(district.engine).add(
        Refusal(
            village,
            NOW - (60 - n) * MINUTE,
            f"siaga/v1/{village}/{name}/senml",
            f"{name} is no device with the adapter senml in {village}",
            payload,
            "unknown_device",
        )
        for n, (village, name, payload) in enumerate(told)
    )


DOOR = '[{"n":"pintu","vb":true},{"n":"battery","v":80}]'


def form_of(page: str, device: str) -> dict[str, str | list[str]]:
    """What a browser sends when the button of a device is pressed."""
    mine = page.split(f'data-device="{device}"')[1].split("</form>", maxsplit=1)[0]
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', mine):
        found.setdefault(name, []).append(html.unescape(value))
    first = re.search(r'<option value="([^"]+)"', mine)
    assert first is not None
    return {name: values if len(values) > 1 else values[0] for name, values in found.items()} | {"facility": first[1]}


def test_a_tap_registers_a_device_as_it_was_proposed(client: httpx.Client, district: District) -> None:
    admin = signed_in(district, Role.ADMIN, "joko") | OWN
    quarantined(district, (GLAGAH, "pintu-2", DOOR), (LICIN, "gerbang-9", DOOR))
    page = client.get("/setup/unknown", headers=admin).text
    assert "gerbang-9 bukan perangkat senml di 35.10.16.2003" in page, "the sentence is Indonesian"
    assert "<code>pintu</code> → <code>gate_open</code>" in page
    for device, facility in ((f"{GLAGAH}/pintu-2", "gerbang"), (f"{LICIN}/gerbang-9", "new:gate")):
        sent = form_of(page, device)
        assert sent["facility"] == facility, "the village's own gate, or a new one"
        answer = client.post("/setup/unknown/claim", headers=admin, data=sent)
        assert answer.headers["location"] == f"/setup/sites/{device.split('/')[0]}"
    glagah, licin = district.registry.village(GLAGAH), district.registry.village(LICIN)
    assert glagah is not None
    assert licin is not None
    made = Device("pintu-2", Adapter.SENML, MINUTE, None, {"pintu": "gate_open"})
    assert glagah.device("pintu-2") == (glagah.facilities[0], made)
    found = licin.device("gerbang-9")
    assert found is not None
    gate, claimed = found
    assert (gate.id, gate.kind, gate.name) == ("gate", "gate", "Gerbang terbuka 24 jam")
    assert claimed == replace(made, id="gerbang-9")
    assert "data-device" not in client.get("/setup/unknown", headers=admin).text, "registered, so not listed"


def test_a_claim_can_be_changed_first(client: httpx.Client, district: District) -> None:
    admin = signed_in(district, Role.ADMIN, "joko")
    quarantined(district, (GLAGAH, "pintu-2", DOOR))
    page = client.get("/setup/unknown", headers=admin).text
    change = re.search(r'href="(/setup/sites/[^"]+/devices\?[^"]+)"', page)
    assert change is not None
    form = client.get(html.unescape(change[1]), headers=admin).text
    assert 'name="id" value="pintu-2"' in form
    assert 'name="map_key" value="pintu"' in form
    assert '<option value="gate_open" selected>Gerbang terbuka (gate_open)</option>' in form
    assert '<option value="gerbang" selected>' in form


def test_a_claim_that_cannot_be_written_says_why(client: httpx.Client, district: District) -> None:
    admin = signed_in(district, Role.ADMIN, "joko") | OWN
    quarantined(district, (GLAGAH, "pintu-2", DOOR), (GLAGAH, "pintu-3", DOOR))
    page = client.get("/setup/unknown", headers=admin).text
    first, second = form_of(page, f"{GLAGAH}/pintu-2"), form_of(page, f"{GLAGAH}/pintu-3")
    assert client.post("/setup/unknown/claim", headers=admin, data=first).status_code == 303
    late = client.post("/setup/unknown/claim", headers=admin, data=second)
    assert late.status_code == 409
    assert "diubah orang lain" in late.text
    again = form_of(late.text, f"{GLAGAH}/pintu-3")
    assert client.post("/setup/unknown/claim", headers=admin, data=again | {"device": "Pintu 3"}).status_code == 422
    assert client.post("/setup/unknown/claim", headers=admin, data=again | {"facility": "new:door"}).status_code == 404
    assert client.post("/setup/unknown/claim", headers=admin, data=again).status_code == 303


def test_who_manages_a_part_claims_in_that_part_alone(client: httpx.Client, district: District) -> None:
    admin = signed_in(district, Role.ADMIN, "ratih", Scopes.of([LICIN])) | OWN
    quarantined(district, (GLAGAH, "pintu-2", DOOR), (LICIN, "gerbang-9", DOOR))
    page = client.get("/setup/unknown", headers=admin).text
    assert re.findall(r'data-device="([^"]+)"', page) == [f"{LICIN}/gerbang-9"]
    theirs = form_of(page, f"{LICIN}/gerbang-9") | {"village": GLAGAH}
    assert client.post("/setup/unknown/claim", headers=admin, data=theirs).status_code == 404


def heard(district: District, *told: tuple[str, Adapter, str, dict[str, str]]) -> None:
    """What gateways report: village, family, address and values, a minute apart."""
    UnknownDevices(district.engine).add(
        [
            UnknownDevice(
                village,
                "gw",
                adapter,
                address,
                NOW - 60 * MINUTE,
                NOW - (60 - n) * MINUTE,
                7,
                MINUTE,
                f"tele/{address}/SENSOR",
                "{}",
                values,
                {"": ["power"]},
            )
            for n, (village, adapter, address, values) in enumerate(told)
        ],
        NOW,
    )


def remote(district: District, *codes: str) -> None:
    """Give villages a gateway of their own."""
    found = [district.registry.village(code) for code in codes]
    district.registry.replace([replace(one, remote=True) for one in found if one is not None], NOW)


def test_a_tap_registers_a_native_device_with_the_map_that_was_proposed(
    client: httpx.Client, district: District
) -> None:
    admin = signed_in(district, Role.ADMIN, "joko") | OWN
    remote(district, LICIN)
    heard(district, (LICIN, Adapter.TASMOTA, "Gapura Timur", {"Switch1": "<b>ON", "Heap": "28", "Switch2": "ON"}))
    page = client.get("/setup/unknown", headers=admin).text
    assert "Gapura Timur (tasmota) belum terdaftar" in page
    assert "7 pesan sejak 11.00 WIB, terakhir 11.00 WIB" in page
    assert "Switch1 = &lt;b&gt;ON\nHeap = 28" in page
    assert "<code>Switch2</code> → <code>gate_open</code>" in page
    assert "Langsung dimengerti: Daya listrik." in page
    sent = form_of(page, f"{LICIN}/gapura-timur")
    assert sent["address"] == "Gapura Timur"
    answer = client.post("/setup/unknown/claim", headers=admin, data=sent)
    assert answer.headers["location"] == f"/setup/sites/{LICIN}"
    licin = district.registry.village(LICIN)
    assert licin is not None
    found = licin.device("gapura-timur")
    assert found is not None
    made = Device("gapura-timur", Adapter.TASMOTA, MINUTE, "Gapura Timur", {"Switch2": "gate_open"})
    assert (found[0].kind, found[1]) == ("gate", made)
    assert "data-device" not in client.get("/setup/unknown", headers=admin).text, "registered, so not listed"


def test_a_device_is_ignored_and_listed_again(client: httpx.Client, district: District) -> None:
    admin = signed_in(district, Role.ADMIN, "joko") | OWN
    remote(district, LICIN)
    heard(district, (LICIN, Adapter.SHELLY, "tetangga", {}))
    quarantined(district, (GLAGAH, "pintu-2", DOOR))
    named = {"village": LICIN, "adapter": "shelly", "address": "tetangga"}
    ours = {"village": GLAGAH, "adapter": "senml", "address": "pintu-2"}
    for sent in (named, named, ours):
        assert client.post("/setup/unknown/ignore", headers=admin, data=sent).status_code == 303
    page = client.get("/setup/unknown", headers=admin).text
    assert "data-device" not in page
    assert "2 perangkat diabaikan" in page
    left_out = client.get("/setup/unknown?show=ignored", headers=admin).text
    assert set(re.findall(r'data-device="([^"]+)"', left_out)) == {f"{LICIN}/tetangga", f"{GLAGAH}/pintu-2"}
    assert client.post("/setup/unknown/list-again", headers=admin, data=named).status_code == 303
    assert f'data-device="{LICIN}/tetangga"' in client.get("/setup/unknown", headers=admin).text


def test_what_may_not_be_ignored(client: httpx.Client, district: District, monkeypatch: pytest.MonkeyPatch) -> None:
    admin = signed_in(district, Role.ADMIN, "joko") | OWN
    part = signed_in(district, Role.ADMIN, "ratih", Scopes.of([GLAGAH])) | OWN
    named = {"village": GLAGAH, "adapter": "shelly", "address": "a"}
    for who, changes, status in (
        (part, {"village": LICIN}, 404),
        (part, {}, 404),
        (part, {"adapter": "senml"}, 303),
        (admin, {"adapter": "x10"}, 404),
        (admin, {"address": "a" * 201}, 404),
        (admin, {"address": "a\x1b"}, 404),
        (admin, {"address": ""}, 404),
        (admin, {}, 303),
    ):
        answer = client.post("/setup/unknown/ignore", headers=who, data=named | changes)
        assert answer.status_code == status, (changes, "the gateway of siaga serves villages beside the part, too")
    monkeypatch.setattr("siaga.database.ignored_devices.PER_VILLAGE", 2)
    answer = client.post("/setup/unknown/ignore", headers=admin, data=named | {"address": "b"}, follow_redirects=True)
    assert "Desa ini sudah mengabaikan" in answer.text


def test_the_newest_stands_first_whatever_it_is_and_its_id_is_free(client: httpx.Client, district: District) -> None:
    admin = signed_in(district, Role.ADMIN, "joko")
    remote(district, GLAGAH, LICIN)
    quarantined(district, (GLAGAH, "pintu-2", DOOR), (GLAGAH, "pintu-3", DOOR))
    heard(
        district,
        (LICIN, Adapter.SHELLY, "a", {}),
        (LICIN, Adapter.SHELLY, "a/b", {}),
        (GLAGAH, Adapter.SHELLY, "lampu-1", {}),
    )
    page = client.get("/setup/unknown", headers=admin).text
    glagah = district.registry.village(GLAGAH)
    assert glagah is not None
    free = "lampu-1" if glagah.device("lampu-1") is None else "lampu-1-2"
    listed = re.findall(r'data-device="([^"]+)"', page)
    assert listed[0] == f"{GLAGAH}/{free}"
    assert set(listed[1:3]) == {f"{LICIN}/a-b", f"{GLAGAH}/pintu-3"}
    assert (
        client.get(
            html.unescape(re.findall(r'href="(/setup/sites/[^"]+/devices\?[^"]+)"', page)[0]), headers=admin
        ).text.count('name="address" value="lampu-1"')
        == 1
    )


def test_at_siaga_s_own_gateway_the_village_is_chosen(client: httpx.Client, district: District) -> None:
    admin = signed_in(district, Role.ADMIN, "joko") | OWN
    part = signed_in(district, Role.ADMIN, "ratih", Scopes.of([GLAGAH]))
    heard(district, (GLAGAH, Adapter.SHELLY, "pagar-9", {"input:0": "{}"}))
    page = client.get("/setup/unknown", headers=admin).text
    assert "Terdengar oleh gateway siaga" in page
    assert f'data-device="{GLAGAH}/pagar-9"' in page
    page = client.get(f"/setup/unknown?village={LICIN}", headers=admin).text
    sent = form_of(page, f"{LICIN}/pagar-9")
    assert "pagar-9" not in client.get("/setup/unknown", headers=part).text, "it may be of a village beside the scope"
    assert client.get("/setup/unknown?village=99.99.99.9999", headers=admin).status_code == 404
    assert client.post("/setup/unknown/claim", headers=admin, data=sent).status_code == 303
    licin = district.registry.village(LICIN)
    assert licin is not None
    assert licin.device("pagar-9") is not None
    assert "pagar-9" not in client.get("/setup/unknown", headers=admin).text, "whichever village has it"


def test_a_village_that_was_taken_out_lists_nothing(client: httpx.Client, district: District) -> None:
    admin = signed_in(district, Role.ADMIN, "joko")
    heard(district, ("35.10.99.2001", Adapter.SHELLY, "pagar-9", {}))
    assert "Tidak ada perangkat tak dikenal." in client.get("/setup/unknown", headers=admin).text
