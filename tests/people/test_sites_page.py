"""`/setup/sites`: the villages as forms and as a file; both write the same, and nobody writes over another's change."""

import html
import re
from dataclasses import replace
from datetime import date

import httpx
import pytest
from hypothesis import HealthCheck, given, settings

from siaga.model.caller import Role
from siaga.model.clock import MINUTE
from siaga.model.scope import Scopes
from siaga.model.sites import Adapter, Device, Facility, Needs, Silence, Village
from siaga.sites.file import SitesDocument, read_document
from siaga.sites.writing import fingerprint, write_document
from tests.http.district import GLAGAH, LICIN, NOW, District
from tests.people.accounts import OWN, signed_in
from tests.sites.strategies import documents

NEW = "35.10.15.2020"


@pytest.fixture
def admin(district: District) -> dict[str, str]:
    """Who manages everything."""
    return signed_in(district, Role.ADMIN, "joko") | OWN | {"Accept-Language": "en"}


@pytest.fixture
def of_licin(district: District) -> dict[str, str]:
    """Who manages one sub-district."""
    return signed_in(district, Role.ADMIN, "ratih", Scopes.of(["35.10.16"])) | OWN | {"Accept-Language": "en"}


def said(page: httpx.Response) -> str:
    """The words of a page."""
    return " ".join(html.unescape(re.sub("<[^>]+>", " ", page.text)).split())


def value(page: httpx.Response, name: str) -> str:
    """The value of a field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page.text)
    assert found is not None, name
    return found[1]


def village(district: District, code: str = GLAGAH) -> Village:
    """A village as the registry has it."""
    found = district.registry.village(code)
    assert found is not None
    return found


# The file


def test_what_is_downloaded_and_uploaded_again_changes_nothing(
    client: httpx.Client, district: District, admin: dict[str, str]
) -> None:
    district.registry.replace([], NOW, {"35.10.15": "Glagah"}, {date(2026, 3, 20): "Cuti"})
    before, version = district.registry.villages(), district.registry.version()
    file = client.get("/setup/sites.yaml", headers=admin)
    assert 'filename="sites.yaml"' in file.headers["content-disposition"]
    page = client.post("/setup/sites/preview", headers=admin, files={"file": ("sites.yaml", file.content)})
    assert page.status_code == 200
    assert "Nothing changes" in page.text
    assert "/setup/sites/apply" not in page.text
    document = read_document(file.text, "x")
    district.registry.replace(document.villages, NOW + 5, document.regions, document.holidays)
    assert (district.registry.villages(), district.registry.version()) == (before, version)


@given(documents())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_registry_has_is_the_same_after_it_went_out_and_in(
    client: httpx.Client, district: District, admin: dict[str, str], document: SitesDocument
) -> None:
    """Both ways round: the file as it stands, and the registry as it stands."""
    known = [one.code for one in district.registry.villages()]
    district.registry.replace(document.villages, NOW, document.regions, document.holidays, removed=known)
    before, version = district.registry.villages(), district.registry.version()
    file = client.get("/setup/sites.yaml", headers=admin).text
    again = read_document(file, "x")
    assert [replace(one, told=NOW) for one in again.villages] == [replace(one, told=NOW) for one in before]
    district.registry.replace(again.villages, NOW + 1, again.regions, again.holidays)
    assert (district.registry.villages(), district.registry.version()) == (before, version)


def test_a_file_is_shown_as_what_it_changes_and_then_applied(
    client: httpx.Client, district: District, admin: dict[str, str]
) -> None:
    glagah, licin = village(district), village(district, LICIN)
    gate = replace(glagah.facilities[0], grace=10 * MINUTE, devices=(Device("gerbang-2", Adapter.SENML, MINUTE),))
    changed = replace(glagah, name="Kampung Anyar", facilities=(gate, *glagah.facilities[2:]))
    new = replace(licin, code=NEW, name="Baru", facilities=())
    text = write_document([changed, new], {"35.10.15": "Glagah"})
    page = client.post("/setup/sites/preview", headers=admin, data={"text": text.replace("\n", "\r\n")})
    assert page.status_code == 200
    marks = re.findall(r'data-change="(\w+)" data-(\w+)="([^"]+)"', page.text)
    assert marks == [
        ("changed", "village", GLAGAH),
        ("changed", "facility", f"{GLAGAH}/gerbang"),
        ("removed", "facility", f"{GLAGAH}/wifi-balai"),
        ("added", "device", f"{GLAGAH}/gerbang-2"),
        ("removed", "device", f"{GLAGAH}/gerbang-1"),
        ("removed", "device", f"{GLAGAH}/ap-1"),
        ("added", "village", NEW),
    ]
    assert "name Kampunganyar → Kampung Anyar" in said(page)
    assert "grace – → 10m" in said(page)
    assert "Name of a region: 1 new" in said(page)
    assert "1 other village stays" in page.text
    assert district.registry.village(NEW) is None, "nothing is written yet"

    sent = {
        "text": html.unescape(page.text.split("hidden>\n")[1].split("</textarea>")[0]),
        "version": value(page, "version"),
    }
    done = client.post("/setup/sites/apply", headers=admin, data=sent)
    assert (done.status_code, done.headers["location"]) == (303, "/setup/sites")
    assert village(district) == replace(changed, told=glagah.told)
    assert village(district, LICIN) == licin
    assert village(district, NEW).told == NOW
    assert district.registry.regions() == {"35.10.15": "Glagah"}


def test_what_the_file_lacks_is_taken_out_only_if_that_is_asked_for(
    client: httpx.Client, district: District, admin: dict[str, str]
) -> None:
    text = write_document([village(district)])
    assert "Nothing changes" in client.post("/setup/sites/preview", headers=admin, data={"text": text}).text
    page = client.post("/setup/sites/preview", headers=admin, data={"text": text, "only": "true"})
    assert re.findall(r'data-change="(\w+)" data-village="([^"]+)"', page.text) == [("removed", LICIN)]
    assert "put back, it has its history again" in page.text
    assert "Yes, take out 1 village" in page.text
    sent = {"text": text, "only": "true", "version": value(page, "version")}
    assert "Tick first that you are sure" in client.post("/setup/sites/apply", headers=admin, data=sent).text
    assert [one.code for one in district.registry.villages()] == [GLAGAH, LICIN], "the tick is asked for here, too"
    client.post("/setup/sites/apply", headers=admin, data=sent | {"sure": "true"})
    assert [one.code for one in district.registry.villages()] == [GLAGAH]


def test_mistakes_are_sentences_in_the_reader_s_language_and_nothing_is_written(
    client: httpx.Client, district: District, admin: dict[str, str]
) -> None:
    text = (
        "villages:\n  - code: '35.10.15.2012'\n    name: A\n    lat: -99\n    lon: 1\n    timezone: WIB\n    nama: B\n"
    )
    version = district.registry.version()
    for language, sentences in (
        (
            "id",
            [
                "Baris 4: lat: -99 bukan angka dari -90 sampai 90",
                'Baris 6: timezone: "WIB" bukan zona waktu seperti Asia/Jakarta',
                'Baris 7: nama: "B" tidak bermakna di sini: tidak ada kunci nama; maksudnya name?',
            ],
        ),
        (
            "en",
            [
                "Line 4: lat: -99 is not a number from -90 to 90",
                'Line 6: timezone: "WIB" is not a time zone such as Asia/Jakarta',
                'Line 7: nama: "B" has no meaning here: there is no key nama; did you mean name?',
            ],
        ),
    ):
        for path in ("/setup/sites/preview", "/setup/sites/apply"):
            page = client.post(path, headers=admin | {"Accept-Language": language}, data={"text": text})
            assert page.status_code == 422
            assert _mistakes(page) == sentences
            assert "nama: B" in page.text, "what was sent can be mended there"
    assert district.registry.version() == version
    many = client.post("/setup/sites/preview", headers=admin, data={"text": "villages: [" + "{}, " * 200 + "]"})
    assert len(_mistakes(many)) == 101
    assert "and 900 more mistakes" in many.text
    page = client.post("/setup/sites/preview", headers=admin, files={"file": ("x.yaml", b"\xff\xfe")})
    assert page.status_code == 422


def test_how_large_a_file_may_be_is_said_and_a_pasted_one_may_be_as_large(
    client: httpx.Client, district: District, admin: dict[str, str]
) -> None:
    def send(name: str | None, text: bytes) -> httpx.Response:
        part = "file" if name else "text"
        english = admin | {"Accept-Language": "en"}
        return client.post("/setup/sites/preview", headers=english, files={part: (name, text)})

    long = write_document(list(district.registry.villages())).encode() + b"#" * 1_200_000
    for name in ("x.yaml", None):
        assert send(name, long).status_code == 200
        assert "What was sent has 2.3\u00a0MB, more than 2\u00a0MB" in send(name, b"#" * 2_300_000).text
    assert "What was sent has 2.1\u00a0MB, more than 2\u00a0MB" in send("x.yaml", b"#" * 2_000_001).text, "rounded up"
    page = send("x.yaml", b"#" * 6_950_000)
    assert (page.status_code, "What was sent has 7\u00a0MB, more than 2\u00a0MB" in page.text) == (413, True)
    assert "siaga import" in page.text, "what to do is of a file, and not of a text or photos"


def _mistakes(page: httpx.Response) -> list[str]:
    listed = page.text.split('<ol class="mistakes">')[1].split("</ol>")[0]
    return [html.unescape(one) for one in re.findall("<li>(.*)</li>", listed)]


def test_a_preview_of_what_was_changed_meanwhile_is_shown_again(
    client: httpx.Client, district: District, admin: dict[str, str]
) -> None:
    text = write_document([replace(village(district), name="Kampung Anyar")])
    page = client.post("/setup/sites/preview", headers=admin, data={"text": text})
    district.registry.replace([replace(village(district, LICIN), name="Licin")], NOW)
    sent = {"text": text, "version": value(page, "version")}
    again = client.post("/setup/sites/apply", headers=admin, data=sent)
    assert again.status_code == 409
    assert "Somebody has changed the list since you looked" in again.text
    assert village(district).name == "Kampunganyar"
    client.post("/setup/sites/apply", headers=admin, data=sent | {"version": value(again, "version")})
    assert village(district).name == "Kampung Anyar"


def test_villages_with_different_holidays_are_files_of_their_own(
    client: httpx.Client, district: District, admin: dict[str, str]
) -> None:
    closed = replace(village(district, LICIN), holidays=frozenset({date(2026, 3, 20)}))
    district.registry.replace([closed], NOW, holidays={date(2026, 3, 20): "Cuti"})
    page = client.get("/setup/sites", headers=admin).text
    assert re.findall(r'href="(/setup/sites.yaml[^"]*)"', page) == ["/setup/sites.yaml", "/setup/sites.yaml?part=2"]
    second = read_document(client.get("/setup/sites.yaml?part=2", headers=admin).text, "x")
    assert ([one.code for one in second.villages], second.holidays) == ([LICIN], {date(2026, 3, 20): "Cuti"})
    assert client.get("/setup/sites.yaml?part=3", headers=admin).status_code == 404
    one = client.get(f"/setup/sites.yaml?village={GLAGAH}", headers=admin).text
    assert [each.code for each in read_document(one, "x").villages] == [GLAGAH]


def test_the_page_says_that_a_file_is_imported_at_every_start(
    client: httpx.Client, district: District, admin: dict[str, str]
) -> None:
    assert "Whenever siaga starts" not in client.get("/setup/sites", headers=admin).text
    district.sites_file = "/etc/siaga/sites.yaml"
    with district.served(None) as other:
        assert "it imports /etc/siaga/sites.yaml again" in other.get("/setup/sites", headers=admin).text


# Scopes


def test_who_manages_a_part_sees_and_writes_that_part_alone(
    client: httpx.Client, district: District, of_licin: dict[str, str]
) -> None:
    district.registry.replace([], NOW, {"35.10": "Banyuwangi", "35.10.16": "Licin"}, {date(2026, 3, 20): "Cuti"})
    before = district.registry.villages()
    page = client.get("/setup/sites", headers=of_licin).text
    assert re.findall(r'data-village="([^"]+)"', page) == [LICIN]
    file = read_document(client.get("/setup/sites.yaml", headers=of_licin).text, "x")
    assert [one.code for one in file.villages] == [LICIN]
    assert file.regions == {"35.10.16": "Licin"}
    whole = write_document(before, {"35.10": "Lain"})
    sent = client.post("/setup/sites/preview", headers=of_licin, data={"text": whole})
    assert sent.status_code == 422
    assert GLAGAH in sent.text
    assert "35.10" in sent.text
    for path in ("", "/facilities", "/facilities/gerbang", "/devices", "/devices/gerbang-1"):
        assert client.get(f"/setup/sites/{GLAGAH}{path}", headers=of_licin).status_code == 404
        assert client.post(f"/setup/sites/{GLAGAH}{path}", headers=of_licin).status_code == 404
    only = client.post("/setup/sites/preview", headers=of_licin, data={"text": "villages: []", "only": "true"})
    assert re.findall(r'data-change="removed" data-village="([^"]+)"', only.text) == [LICIN]
    assert GLAGAH not in only.text
    new = {"code": NEW, "name": "X", "lat": "0", "lon": "0", "timezone": "Asia/Jakarta"}
    assert client.post("/setup/sites/new", headers=of_licin, data=new).status_code == 422
    version = str(district.registry.version())
    for path, data in (
        ("regions", {"code": "35.10", "name": "Lain"}),
        ("regions", {"code": "35.10", "name": ""}),
        ("holidays", {"day": "2026-03-20", "name": "Lain"}),
    ):
        sent = client.post(f"/setup/sites/{path}", headers=of_licin, data=data | {"version": version})
        assert sent.status_code == 422, data
    assert district.registry.villages() == before


def test_an_address_of_a_village_beside_the_scopes_is_not_named(
    client: httpx.Client, district: District, of_licin: dict[str, str], admin: dict[str, str]
) -> None:
    data = {"facility": "lampu", "adapter": "tasmota", "address": "gerbang-depan", "every": "1m"}
    data["seen"] = fingerprint(village(district, LICIN))
    mine = client.post(f"/setup/sites/{LICIN}/devices", headers=of_licin, data=data)
    assert mine.status_code == 422
    assert "is that of another device at the same gateway" in mine.text
    assert GLAGAH not in mine.text
    theirs = client.post(f"/setup/sites/{LICIN}/devices", headers=admin, data=data)
    assert f"is that of the device {GLAGAH}/gerbang-1 at the same gateway" in theirs.text


# The forms


def test_a_village_its_facility_and_its_device_by_forms_are_what_the_file_would_say(
    client: httpx.Client, district: District, admin: dict[str, str]
) -> None:
    typed = {"code": NEW, "name": "Baru", "lat": "-8,19", "lon": "114.3", "timezone": "Asia/Makassar", "remote": "true"}
    typed |= {"offline_after": "10m", "uplink": "odp-1"}
    assert client.post("/setup/sites/new", headers=admin, data=typed).headers["location"] == f"/setup/sites/{NEW}"
    page = client.get(f"/setup/sites/{NEW}/facilities", headers=admin)
    added = {"kind": "gate", "name": "Gerbang Kantor Désa", "seen": value(page, "seen")}
    to = client.post(f"/setup/sites/{NEW}/facilities", headers=admin, data=added).headers["location"]
    assert to == f"/setup/sites/{NEW}/devices?facility=gerbang-kantor-d-sa"
    page = client.get(to, headers=admin)
    device = {"facility": "gerbang-kantor-d-sa", "adapter": "tasmota", "address": "Gerbang_Depan", "every": "30s"}
    device |= {"map_key": ["Switch1", ""], "map_signal": ["gate_open", ""], "invert": ["gate_open"]}  # type: ignore[dict-item] # httpx repeats the field
    made = client.post(f"/setup/sites/{NEW}/devices", headers=admin, data=device | {"seen": value(page, "seen")})
    assert made.status_code == 303, said(made)
    page = client.get(f"/setup/sites/{NEW}/facilities/gerbang-kantor-d-sa", headers=admin)
    terms = {
        "kind": "gate",
        "name": "Gerbang",
        "since": "2026-01-01",
        "needs": "all",
        "grace": "0s",
        "target": "banyak",
    }
    terms |= {"schedule": "Mon-Sat 18:00-06:00\r\nSun 08:00-24:00", "silence": "failed", "seen": value(page, "seen")}
    wrong = client.post(f"/setup/sites/{NEW}/facilities/gerbang-kantor-d-sa", headers=admin, data=terms)
    assert wrong.status_code == 422
    assert 'Target: "banyak" is not a share such as 0.99 or 99 %' in said(wrong)
    assert value(wrong, "name") == "Gerbang", "what was filled in stays"
    terms["target"] = "99,5 %"  # as people write it, and as the pages show it
    done = client.post(f"/setup/sites/{NEW}/facilities/gerbang-kantor-d-sa", headers=admin, data=terms)
    assert done.status_code == 303, said(done)
    gate = Facility(
        "gerbang-kantor-d-sa",
        "gate",
        "Gerbang",
        (
            Device(
                "gerbang_depan",
                Adapter.TASMOTA,
                MINUTE // 2,
                "Gerbang_Depan",
                {"Switch1": "gate_open"},
                frozenset({"gate_open"}),
            ),
        ),
        date(2026, 1, 1),
        Needs.ALL,
        0,
        None,
        0.995,
        ("Mon-Sat 18:00-06:00", "Sun 08:00-24:00"),
        Silence.FAILED,
    )
    made_so = Village(NEW, "Baru", -8.19, 114.3, "Asia/Makassar", (gate,), True, 10 * MINUTE, "odp-1", NOW)
    assert village(district, NEW) == made_so
    assert district.registry.villages()[-1].code == NEW


def test_a_copy_has_the_terms_and_no_devices(
    client: httpx.Client, district: District, admin: dict[str, str], of_licin: dict[str, str]
) -> None:
    gate = replace(village(district).facilities[0], grace=9 * MINUTE, since=date(2026, 1, 1))
    wifi = replace(village(district).facilities[1], grace=10_000, recovery=10_000)
    district.registry.replace([replace(village(district), uplink="odp-1", facilities=(gate, wifi))], NOW)
    form = client.get(f"/setup/sites/{GLAGAH}/facilities?like=gerbang", headers=admin)
    assert value(form, "name") == gate.name
    sent = {"like": value(form, "like"), "kind": "gate", "name": "Gerbang timur", "seen": value(form, "seen")}
    assert client.post(f"/setup/sites/{GLAGAH}/facilities", headers=admin, data=sent).status_code == 303
    made = Facility("gerbang-timur", "gate", "Gerbang timur", (), grace=9 * MINUTE)
    assert village(district).facilities[-1] == made
    form = client.get(f"/setup/sites/new?like={GLAGAH}", headers=admin)
    assert (value(form, "code"), value(form, "uplink")) == ("", "odp-1")
    sent = {"like": GLAGAH, "code": NEW, "name": "Baru", "lat": "-8,1", "lon": "114,2", "timezone": "Asia/Jakarta"}
    assert client.post("/setup/sites/new", headers=of_licin, data=sent).status_code == 404, "of another village"
    assert client.post("/setup/sites/new", headers=admin, data=sent).status_code == 303
    first, second, third = village(district, NEW).facilities
    assert (first, third) == (replace(gate, since=None, devices=()), made)
    assert (second.id, second.devices, second.grace, second.recovery) == ("wifi-balai", (), None, None), "no trial"
    for path in (f"/setup/sites/{GLAGAH}/facilities?like=none", "/setup/sites/new?like=35.10.15.2999"):
        assert client.get(path, headers=admin).status_code == 404


def test_a_form_that_is_saved_as_it_was_opened_changes_nothing(
    client: httpx.Client, district: District, admin: dict[str, str]
) -> None:
    before, version = district.registry.villages(), district.registry.version()
    for path in ("", "/facilities/gerbang", "/facilities/listrik", "/devices/gerbang-1", "/devices/ups-1"):
        page = client.get(f"/setup/sites/{GLAGAH}{path}", headers=admin)
        assert client.post(f"/setup/sites/{GLAGAH}{path}", headers=admin, data=_fields(page.text)).status_code == 303
    assert (district.registry.villages(), district.registry.version()) == (before, version)


def _fields(page: str) -> dict[str, str | list[str]]:
    """What a browser would send of a page's first form that is sent by POST beside those of the frame."""
    form = next(part for part in page.split("<form ")[1:] if 'action="/setup/sites/' in part.split(">")[0])
    form = form.split("</form>")[0]
    found: dict[str, str | list[str]] = {}
    for kind, name, text in re.findall(r'<input type="(text|hidden)" name="(\w+)" value="([^"]*)"', form):
        assert kind
        found.setdefault(name, [])
        found[name].append(html.unescape(text))  # type: ignore[union-attr] # as it was just made
    for name, options in re.findall(r'<select name="(\w+)"[^>]*>(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'<option(?: value="([^"]*)")? selected>([^<]*)', options)
        first = re.search(r'<option(?: value="([^"]*)")?>([^<]*)', options)
        one = chosen or first
        assert one is not None
        found.setdefault(name, [])
        found[name].append(one[1] if one[1] is not None else one[2])  # type: ignore[union-attr] # as above
    for name, text in re.findall(r'<textarea name="(\w+)"[^>]*>(.*?)</textarea>', form, re.DOTALL):
        found[name] = html.unescape(text)
    return found


def test_a_trial_shortens_the_waiting_of_one_facility_and_its_end_leaves_it_as_it_was(
    client: httpx.Client, district: District, admin: dict[str, str]
) -> None:
    before, path = village(district), f"/setup/sites/{GLAGAH}/facilities/gerbang"
    page = client.get(path, headers=admin)
    assert "use 10s for both during a trial" in said(page)
    begun = {"seen": value(page, "seen")}
    assert client.post(f"{path}/trial", headers=admin, data=begun).headers["location"] == f"{path}#trial"
    gate = next(one for one in village(district).facilities if one.id == "gerbang")
    assert (gate.grace, gate.recovery) == (10_000, 10_000)
    assert client.post(f"{path}/trial", headers=admin, data=begun).status_code == 409, "it was changed meanwhile"
    page = client.get(path, headers=admin)
    assert "its message follows within 1 min" in said(page)
    assert "so that 5m and 2m hold again" in said(page)
    ended = {"seen": value(page, "seen"), "ends": value(page, "ends")}
    assert client.post(f"{path}/trial", headers=admin, data=ended).status_code == 303
    assert village(district) == before
    chosen = replace(gate, grace=MINUTE, recovery=None)
    others = tuple(chosen if one.id == "gerbang" else one for one in before.facilities)
    district.registry.replace([replace(before, facilities=others)], NOW)
    page = client.get(path, headers=admin)
    assert f"{path}/trial" not in page.text, "who has chosen times keeps them"
    for sent in ({"ends": "true"}, {}):
        client.post(f"{path}/trial", headers=admin, data={"seen": value(page, "seen")} | sent)
        assert village(district).facilities == others


@pytest.mark.parametrize("path", ["", "/facilities/gerbang", "/devices/gerbang-1", "/facilities", "/devices"])
def test_a_form_that_was_opened_before_another_s_change_is_refused(
    client: httpx.Client, district: District, admin: dict[str, str], path: str
) -> None:
    fields = _fields(client.get(f"/setup/sites/{GLAGAH}{path}", headers=admin).text)
    fields |= {"name": "Nama lain"} if "device" not in path else {"address": "lain", "facility": "gerbang"}
    fields |= {"adapter": "tasmota"} if path == "/devices" else {}
    district.registry.replace([replace(village(district), uplink="odp-1")], NOW)
    before = district.registry.villages()
    sent = client.post(f"/setup/sites/{GLAGAH}{path}", headers=admin, data=fields)
    assert sent.status_code == 409, said(sent)
    assert f"Somebody has changed {GLAGAH} since you opened this form" in said(sent)
    assert sent.text.count("Nama lain" if "device" not in path else 'value="lain"') >= 1, "what was filled in is shown"
    for tail in ("/remove",) if path.count("/") != 1 else ():
        gone = client.post(f"/setup/sites/{GLAGAH}{path}{tail}", headers=admin, data=fields | {"sure": "true"})
        assert gone.status_code == 409
    without = client.post(f"/setup/sites/{GLAGAH}{path}", headers=admin, data=fields | {"seen": ""})
    assert without.status_code == 409, "a form that does not say what it was made of"
    assert district.registry.villages() == before


def test_what_is_taken_out_is_gone_from_the_registry_only_when_sure(
    client: httpx.Client, district: District, admin: dict[str, str]
) -> None:
    for path, left in (("/devices/gerbang-1", 2), ("/facilities/gerbang", 2), ("", 0)):
        seen = {"seen": fingerprint(village(district))}
        unsure = client.post(f"/setup/sites/{GLAGAH}{path}/remove", headers=admin, data=seen)
        assert unsure.status_code == 422
        assert "Tick first" in unsure.text
        done = client.post(f"/setup/sites/{GLAGAH}{path}/remove", headers=admin, data=seen | {"sure": "true"})
        assert done.status_code == 303
        rest = district.registry.village(GLAGAH)
        assert sum(len(one.devices) for one in rest.facilities) if rest else left == 0
    assert [one.code for one in district.registry.villages()] == [LICIN]


def test_a_device_that_will_not_be_judged_is_saved_and_said(
    client: httpx.Client, district: District, admin: dict[str, str]
) -> None:
    path = f"/setup/sites/{GLAGAH}/devices"
    fields = _fields(client.get(path, headers=admin).text) | {"facility": "gerbang", "adapter": "tasmota"}
    for address, mapped, said_so in (("depan", "", True), ("belakang", "gate_open", False)):
        fields |= {"address": address, "seen": fingerprint(village(district))}
        pair = {"map_key": "Switch1", "map_signal": mapped} if mapped else {}
        answer = client.post(path, headers=admin, data=fields | pair)
        cookies = f"{admin['Cookie']}; siaga_notice={answer.cookies['siaga_notice']}"
        page = client.get(answer.headers["location"], headers=admin | {"Cookie": cookies})
        assert f"{address}: saved." in page.text
        assert ("gives no signal that its facility is judged by (Gate open)" in page.text) is said_so


def test_a_device_is_moved_to_another_facility(client: httpx.Client, district: District, admin: dict[str, str]) -> None:
    fields = _fields(client.get(f"/setup/sites/{GLAGAH}/devices/gerbang-1", headers=admin).text)
    client.post(f"/setup/sites/{GLAGAH}/devices/gerbang-1", headers=admin, data=fields | {"facility": "listrik"})
    gate, _, power = village(district).facilities
    assert [one.id for one in gate.devices] == []
    assert [one.id for one in power.devices] == ["ups-1", "gerbang-1"]


def test_a_map_that_is_not_clear_is_refused(client: httpx.Client, district: District, admin: dict[str, str]) -> None:
    fields = _fields(client.get(f"/setup/sites/{GLAGAH}/devices/gerbang-1", headers=admin).text)
    keys = {"map_key": ["", "POWER", "POWER"], "map_signal": ["gate_open", "lamp_on", "presence"]}
    refused = client.post(f"/setup/sites/{GLAGAH}/devices/gerbang-1", headers=admin, data={**fields, **keys})
    assert refused.status_code == 422
    assert "gate_open has no native key beside it." in refused.text
    assert "The native key POWER stands there twice." in refused.text
    long = {"map_key": ["x" * 201], "map_signal": ["lamp_on"]}
    assert client.post(f"/setup/sites/{GLAGAH}/devices/gerbang-1", headers=admin, data={**fields, **long}).is_error


def test_regions_and_holidays_by_forms(client: httpx.Client, district: District, admin: dict[str, str]) -> None:
    def send(path: str, **data: str) -> httpx.Response:
        page = client.get(f"/setup/sites/{path.split('/', maxsplit=1)[0]}", headers=admin)
        return client.post(f"/setup/sites/{path}", headers=admin, data=data | {"version": value(page, "version")})

    assert send("regions", code="35.10.15", name="Glagah").status_code == 303
    assert send("regions", code="35.10", name="Banyuwangi").status_code == 303
    assert send("regions", code="35.10", name="").status_code == 303
    assert district.registry.regions() == {"35.10.15": "Glagah"}
    assert "is not the code of a region" in said(send("regions", code="35.1", name="X"))
    assert send("holidays", day="2026-03-20", name="Cuti bersama").status_code == 303
    assert {one.holidays for one in district.registry.villages()} == {frozenset({date(2026, 3, 20)})}
    page = client.get("/setup/sites/holidays", headers=admin)
    assert "Cuti bersama" in page.text
    assert 'Date: "" is not a date' in said(send("holidays", day="", name="X"))
    stale = value(page, "version")
    assert send("holidays/remove", day="kemarin").status_code == 404
    assert send("holidays/remove", day="2026-03-20").status_code == 303
    assert {one.holidays for one in district.registry.villages()} == {frozenset()}
    late = client.post(
        "/setup/sites/holidays", headers=admin, data={"day": "2026-08-17", "name": "X", "version": stale}
    )
    assert late.status_code == 409
    assert "load the page again" in late.text
