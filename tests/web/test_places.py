"""The pages of a village, a facility and a device: what they say, and to whom."""

import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape

import httpx
import pytest

from api.web.day_cells import day_cells, last_dates
from api.web.device_page import refused_of
from api.web.facility_strips import Past, day_strip
from api.words import WORDS, Language
from siaga.database import tables
from siaga.database.quarantine import Quarantine, QuarantineItem, Refusal
from siaga.model.caller import Caller, Role
from siaga.model.clock import DAY, HOUR, MINUTE
from siaga.model.observation import Point
from siaga.model.scope import EVERYWHERE, Scope, Scopes
from siaga.model.sites import Adapter, Device
from siaga.timeline.spans import Span, State
from tests.http.district import FAILED, GLAGAH, LICIN, MET, NOW, UNKNOWN, District
from tests.http.district import villages as two
from tests.web.kampung import code, fill, villages

RATIH = Caller(Role.TECHNICIAN, "ratih", EVERYWHERE, "person/ratih")
VIEWER = Caller(Role.VIEWER, "budi", Scopes((Scope("35.10.15"),)), "person/budi")
ID = WORDS[Language.ID]
HERE = f"/villages/{code(0)}"
GATE = f"/facilities/{code(0)}/gerbang"


@pytest.fixture
def client(empty: District) -> Iterator[httpx.Client]:
    fill(empty, 2)
    with empty.served(None, caller=RATIH) as client:
        yield client


def text_of(answer: httpx.Response) -> str:
    assert answer.status_code in (200, 422), answer.text
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))).replace("\u00a0", " ")


def declared(district: District) -> list[tuple[str | None, str | None, str | None, str | None]]:
    """Village, facility, uplink and recurrence of all maintenance."""
    table = tables.maintenance
    with district.engine.connect() as connection:
        rows = connection.execute(table.select().order_by(table.c.created_at, table.c.uplink))
        return [(row.village, row.facility, row.uplink, row.rrule) for row in rows]


def figures_of(district: District, name: str) -> object:
    with district.served() as client:
        return client.get("/api/v1/availability", params={"facility": name}).json()


@pytest.mark.parametrize(
    ("spans", "first", "said", "state"),
    [
        ([Span(NOW - 9 * DAY, NOW, MET)], NOW - 9 * DAY, "4 Mar: 100 %", MET),
        (
            [Span(NOW - 9 * DAY, NOW - 15 * HOUR, MET), Span(NOW - 15 * HOUR, NOW - 9 * HOUR, FAILED, "gate_open"),
             Span(NOW - 9 * HOUR, NOW, MET)],
            NOW - 9 * DAY, "3 Mar: 87,5 %, 1 gangguan", FAILED,
        ),
        ([Span(NOW - 9 * DAY, NOW, UNKNOWN, "village_offline")], NOW - 9 * DAY, "4 Mar: tidak diketahui", UNKNOWN),
        (
            [Span(NOW - 9 * DAY, NOW - 6 * HOUR, MET), Span(NOW - 6 * HOUR, NOW, UNKNOWN, "device_silent")],
            NOW - 9 * DAY, "4 Mar: 50–100 %", UNKNOWN,
        ),
        ([], None, "4 Mar: belum ada", None),
        ([Span(NOW - HOUR, NOW, MET)], NOW - HOUR, "3 Mar: belum ada", None),
    ],
    ids=["met", "a failure is counted", "unknown is a word", "both bounds", "never judged", "before it was there"],
)  # fmt: skip
def test_a_day_is_named(spans: list[Span], first: int | None, said: str, state: object) -> None:
    village = villages(1)[0]
    cells = day_cells(
        ID, village, village.facilities[0], spans, first, last_dates(NOW, "Asia/Jakarta", 2), NOW, drawn=1
    )
    assert (said, state) in [(cell.words.replace("\u00a0", " "), cell.state) for cell in cells]


def test_a_night_schedule_shows_sunset_and_sunrise_and_others_do_not() -> None:
    village = villages(1)[0]
    lamp = day_strip(ID, village, village.facilities[2], Past([Span(NOW - DAY, NOW, MET)], NOW - DAY), NOW)
    assert [width for _, width in lamp.nights] == [pytest.approx(143, abs=3)], "about twelve hours of five minutes"
    assert re.fullmatch(r"matahari terbenam 17\.\d\d, matahari terbit 05\.\d\d", lamp.sun)
    gate = day_strip(ID, village, village.facilities[0], Past([], None), NOW)
    assert (list(gate.nights), gate.sun, list(gate.strokes)) == ([], "", []), "what was never judged is drawn empty"


def test_a_village_says_states_causes_link_alerts_and_what_is_next(client: httpx.Client, empty: District) -> None:
    empty.forget(code(0), "gerbang")
    empty.alternating(code(0), "gerbang", NOW - 3 * DAY, (2 * DAY, MET, None), (DAY, FAILED, "gate_open"))
    alert = empty.raise_alert(1, village=code(0))
    answer = client.get(HERE)
    text = text_of(answer)
    for said in ("gerbang tertutup", "sejak 3 Mar 12.00", "terhubung", "Gateway gw terdengar 11.59 WIB",
                 "belum pernah dilihat", "Listrik kantor belum pernah melapor"):  # fmt: skip
        assert said in text, said
    page = answer.text
    assert f'data-facility="{code(0)}/gerbang" data-state="failed"' in page
    assert f'data-device="{code(0)}/gerbang-1"' in page
    assert f'data-alert="{alert}"' in page
    assert page.count('class="days month"') == 4, "power has no days"
    assert f'href="{GATE}?date=2026-03-03"' in page
    assert len(page) < 60_000


def test_a_facility_opens_a_day_and_says_its_spans_budget_and_alerts(client: httpx.Client, empty: District) -> None:
    empty.forget(code(0), "gerbang")
    empty.alternating(
        code(0), "gerbang", NOW - 3 * DAY, (DAY, MET, None), (2 * HOUR, FAILED, "gate_open"), (46 * HOUR, MET, None)
    )
    old = empty.raise_alert(1, village=code(0), at=NOW - 2 * DAY)
    empty.clear_alert(old, NOW - DAY)
    text = text_of(client.get(f"{GATE}?date=2026-03-02"))
    assert "2 Mar 12.00 – 14.00" in text
    assert "gerbang tertutup" in text
    assert "Jatah gangguan Maret 2026" in text
    assert "5 jam 19 menit tersisa" in text, "1 % of the 30.5 days from its first span on, two hours of which are used"
    assert f'data-alert="{old}"' in client.get(GATE).text
    assert "gerbang tertutup" not in text_of(client.get(GATE)).split("Jatah")[0], "the last 24 hours had no failure"
    for nonsense in ("x", "2026-13-01", "2999-01-01", "0001-01-01"):
        assert client.get(GATE, params={"date": nonsense}).status_code == 200


def test_a_facility_says_what_is_waited_for_and_until_when(client: httpx.Client, empty: District) -> None:
    def said(*lengths: tuple[int, State, str | None]) -> str:
        empty.forget(code(0), "gerbang")
        empty.alternating(code(0), "gerbang", NOW - DAY - sum(each[0] for each in lengths), (DAY, MET, None), *lengths)
        return text_of(client.get(GATE))

    failing = ((MINUTE, FAILED, "device_silent"), (2 * MINUTE, FAILED, "gate_open"))
    assert "Bila belum pulih, peringatan dibuat pukul 12.02 WIB." in said(*failing), "5 minutes from its first cause on"
    assert "peringatan dibuat" not in said((6 * MINUTE, FAILED, "gate_open")), "it is due"
    empty.raise_alert(7, village=code(0), at=NOW - 6 * MINUTE)
    assert "peringatan dibuat" not in said(*failing), "it is there"
    recovered = said((6 * MINUTE, FAILED, "gate_open"), (MINUTE, MET, None))
    assert "peringatannya selesai paling cepat pukul 12.01 WIB" in recovered
    assert "paling cepat" not in said((3 * MINUTE, MET, None)), "siaga is late, or waits for something else"


@pytest.mark.parametrize(
    ("lengths", "pace", "said"),
    [
        ([(3 * DAY, MET, None)], "calm", "tidak sedang terpakai lebih cepat"),
        ([(70 * HOUR, MET, None), (2 * HOUR, FAILED, "gate_open")], "fast", "sangat cepat"),
        (
            [(67 * HOUR, MET, None), (2 * HOUR, FAILED, "gate_open"), (3 * HOUR, MET, None)],
            "slow",
            "tiga hari terakhir",
        ),
    ],
)
def test_a_facility_says_how_fast_its_budget_is_used(
    client: httpx.Client, empty: District, lengths: list[tuple[int, State, str | None]], pace: str, said: str
) -> None:
    empty.forget(code(0), "gerbang")
    empty.alternating(code(0), "gerbang", NOW - 3 * DAY, *lengths)
    page = client.get(GATE)
    assert f'data-pace="{pace}"' in page.text
    assert said in text_of(page)


def test_maintenance_is_declared_afterwards_from_the_page_and_taken_back(client: httpx.Client) -> None:
    form = {"facility": f"{code(0)}/gerbang", "start": "2026-03-04T10:00", "end": "2026-03-04T11:30", "reason": "cat"}
    answer = client.post("/maintenance", data=form | {"back": GATE})
    assert (answer.status_code, answer.headers["location"]) == (303, GATE)
    page = client.get(GATE)
    assert "10.00 – 11.30 WIB: cat" in text_of(page), "by the village's clock"
    window = page.text.split('action="/maintenance/')[1].split('"')[0]
    client.post(f"/maintenance/{window}", data={"back": GATE})
    client.cookies.clear()
    assert "10.00 – 11.30" not in text_of(client.get(GATE))


def test_a_form_that_is_not_taken_is_shown_again_as_it_was_filled_in(client: httpx.Client) -> None:
    form = {"facility": f"{code(0)}/gerbang", "village": code(0), "whom": "village", "rrule": "FREQ=WEEKLY"}
    typed = {"start": "2026-03-04T10:00", "end": "2026-03-04T09:00", "reason": "ganti <motor>"}
    page = client.post("/maintenance", data=form | typed | {"back": f"{GATE}?date=2026-03-03"})
    assert page.status_code == 422
    assert "selesai 09.00 WIB harus sesudah mulai 10.00 WIB" in text_of(page), "by the village's clock"
    filled = ("2026-03-04T10:00", "2026-03-04T09:00", "ganti &lt;motor&gt;", f"{GATE}?date=2026-03-03#maintenance")
    assert all(f'value="{value}"' in page.text for value in filled)
    assert all(f'<option value="{value}" selected>' in page.text for value in ("village", "FREQ=WEEKLY"))
    note = {"facility": f"{code(0)}/gerbang", "start": "kemarin", "end": "2026-03-04T09:30", "text": "bensin habis"}
    page = client.post("/annotations", data=note | {"back": GATE})
    assert '"kemarin" bukan waktu' in text_of(page)
    assert all(f'value="{value}"' in page.text for value in ("kemarin", "2026-03-04T09:30", "bensin habis"))
    for path, sent in (("/annotations", note), ("/maintenance", form | typed)):
        assert client.post(path, data=sent | {"back": "//[x"}).status_code == 422, "it is no address at all"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"end": "2026-03-04T09:00"}, "harus sesudah mulai"),
        ({"start": "2020-01-01T09:00", "end": "2020-01-01T10:00"}, "lebih dari 400 hari"),
        ({"facility": f"{code(0)}/x"}, f"{code(0)}/x tidak ada di wilayah Anda"),
        ({"facility": "", "village": "35.99.99.2001"}, "35.99.99.2001 tidak ada di wilayah Anda"),
        ({"facility": "", "uplink": "é"}, "é tidak ada di wilayah Anda"),
        ({"rrule": "FREQ=HOURLY"}, "pengulangan FREQ=HOURLY tidak dikenal"),
        ({"start": "9999999999"}, "bukan waktu"),
        ({"start": "0001-01-01T00:00"}, "bukan waktu"),
    ],
)
def test_why_no_maintenance_was_declared_is_said_in_the_reader_s_language(
    client: httpx.Client, empty: District, wrong: dict[str, str], said: str
) -> None:
    form = {"facility": f"{code(0)}/gerbang", "start": "2026-03-04T10:00", "end": "2026-03-04T11:30"}
    answer = client.post("/maintenance", data=form | wrong | {"back": GATE}, follow_redirects=True)
    assert said in text_of(answer)
    assert declared(empty) == []


def test_maintenance_recurs_and_is_of_a_village_or_its_uplink(empty: District, client: httpx.Client) -> None:
    behind = [replace(village, uplink="radio-utara") for village in empty.registry.villages()]
    empty.registry.replace(behind, NOW)
    both = {"facility": f"{code(0)}/gerbang", "village": code(0), "uplink": "radio-utara", "back": GATE}
    times = {"start": "2026-03-05T08:00", "end": "2026-03-05T09:00"}
    page = client.get(GATE).text
    assert all(f'<option value="{one}">' in page for one in ("facility", "village", "uplink", "FREQ=WEEKLY"))
    client.post("/maintenance", data=both | times | {"whom": "village", "rrule": "FREQ=WEEKLY"})
    client.post("/maintenance", data=both | times | {"whom": "uplink"})
    village = (code(0), None, None, "FREQ=WEEKLY")
    assert sorted(declared(empty), key=str) == [village, (None, None, "radio-utara", None)]
    text = text_of(client.get(GATE))
    assert "setiap minggu" in text
    assert "semua desa di uplink radio-utara" in text
    assert "seluruh desa" in text


def test_a_stretch_is_annotated_without_any_figure_changing(client: httpx.Client, empty: District) -> None:
    name = f"{code(0)}/gerbang"
    figures = figures_of(empty, name)
    form = {"facility": name, "start": "2026-03-04T08:00", "end": "2026-03-04T09:30", "back": GATE}
    client.post("/annotations", data=form | {"text": "Motor <b>gerbang</b> diganti"})
    page = client.get(GATE)
    assert "08.00 – 09.30 WIB: Motor <b>gerbang</b> diganti" in text_of(page)
    assert "<b>gerbang</b>" not in page.text
    assert 'class="noted"' in page.text, "it is marked on the strip"
    assert figures_of(empty, name) == figures
    assert "Motor" not in text_of(client.get(f"{GATE}?date=2026-03-03")), "another day"
    number = page.text.split('data-annotation="')[1].split('"')[0]
    client.post(f"/annotations/{number}", data={"facility": f"{code(1)}/gerbang", "back": GATE})
    assert "Motor" in text_of(client.get(GATE)), "it is another facility's"
    client.post(f"/annotations/{number}", data={"facility": name, "back": GATE})
    client.cookies.clear()
    assert "Motor" not in text_of(client.get(GATE))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"text": "  "}, "teksnya kosong"),
        ({"start": "2026-03-04T10:00"}, "tidak sesudah mulai"),
        ({"start": "2026-03-05T10:00", "end": "2026-03-05T11:00"}, "belum terjadi"),
        ({"start": "kemarin"}, '"kemarin" bukan waktu'),
        ({"facility": "35.99.99.2001/gerbang"}, "tidak ada di wilayah Anda"),
        ({"facility": "x"}, "tidak ada di wilayah Anda"),
    ],
)
def test_what_cannot_be_annotated_is_said(client: httpx.Client, wrong: dict[str, str], said: str) -> None:
    form = {"facility": f"{code(0)}/gerbang", "start": "2026-03-04T08:00", "end": "2026-03-04T09:30", "text": "x"}
    page = client.post("/annotations", data=form | wrong | {"back": GATE}, follow_redirects=True)
    assert said in text_of(page)
    assert "data-annotation" not in page.text


def test_a_device_says_its_values_health_refusals_and_draws_its_signals(client: httpx.Client, empty: District) -> None:
    for signal in ("gate_open", "battery"):
        empty.heard(code(0), "gerbang-1", signal)
    times = [NOW - n * MINUTE for n in range(1, 90)]
    empty.store.write(
        [Point(code(0), "gerbang-1", at, at, {"gate_open": at < NOW - HOUR, "battery": 81.5}) for at in times]
    )
    topics = [f"siaga/v1/{code(0)}/{name}/senml" for name in ("gerbang-1", "wifi-1")]
    Quarantine(empty.engine).add(Refusal(code(0), NOW, topic, "no JSON", "{oops") for topic in topics)
    page = client.get(f"/devices/{code(0)}/gerbang-1")
    text = text_of(page)
    for said in (
        "terdengar 11.59 WIB",
        "Gerbang terbuka gate_open tidak 11.59 WIB",
        "Baterai 81,5 %",
        "Jam tepat",
        "melapor tiap 1 menit",
        "Sebagai tabel (langkah 5 menit) Waktu Baterai 10.05 WIB 81,5 % 11.05 WIB 81,5 %",
    ):
        assert said in text, said
    assert "gerbang-1/senml" in text
    assert "wifi-1/senml" not in text
    assert 'aria-label="Gerbang terbuka: antara tidak dan ya, terakhir tidak"' in page.text
    assert 'data-state="heard"' in page.text
    assert "belum pernah terdengar" in text_of(client.get(f"/devices/{code(0)}/wifi-1?stretch=x"))


def test_a_device_that_gives_nothing_its_facility_is_judged_by_says_so(client: httpx.Client, empty: District) -> None:
    said = "tidak memberi sinyal yang menilai fasilitasnya (Gerbang terbuka)"
    assert said not in text_of(client.get(f"/devices/{code(0)}/gerbang-1"))
    home = villages(1)[0]
    for mapped, silent in (({}, True), ({"Switch1": "gate_open"}, False)):
        device = Device("gerbang-1", Adapter.TASMOTA, MINUTE, "gerbang-depan", mapped)
        gate = replace(home.facilities[0], devices=(device,))
        empty.registry.replace([replace(home, facilities=(gate, *home.facilities[1:]))], NOW)
        assert (said in text_of(client.get(f"/devices/{code(0)}/gerbang-1"))) is silent
    other = Device("gerbang-2", Adapter.TASMOTA, MINUTE, "gerbang-belakang", {"Switch1": "gate_open"})
    gate = replace(home.facilities[0], devices=(replace(device, map={}), other))
    empty.registry.replace([replace(home, facilities=(gate, *home.facilities[1:]))], NOW)
    assert said not in text_of(client.get(f"/devices/{code(0)}/gerbang-1")), "the other one gives it"


@pytest.mark.parametrize("path", ["/villages/{0}", "/facilities/{0}/{1}", "/devices/{0}/{2}"])
def test_what_lies_outside_of_a_scope_is_not_there(empty: District, path: str) -> None:
    empty.registry.replace(two(), NOW - DAY)
    mine, foreign = path.format(GLAGAH, "gerbang", "gerbang-1"), path.format(LICIN, "lampu", "lampu-1")
    with empty.served(None, caller=VIEWER) as client:
        assert client.get(mine).status_code == 200
        assert "/maintenance" not in client.get(mine).text, "a viewer declares nothing"
        for gone in (foreign, path.format("35.99.99.2001", "a", "b"), path.format("x", "a", "b")):
            assert client.get(gone, headers={"Accept": "text/html"}).status_code == 404, gone
        refused = client.post("/maintenance", data={"facility": f"{GLAGAH}/gerbang", "start": "a", "end": "b"})
        assert refused.status_code == 403
    with empty.served(None) as client:
        assert client.get(mine).status_code == 303, "nobody is signed in"


def test_a_technician_declares_nothing_beside_the_scope(empty: District) -> None:
    empty.registry.replace(two(), NOW - DAY)
    limited = Caller(Role.TECHNICIAN, "budi", Scopes((Scope("35.10.15"),)), "person/budi")
    form = {"facility": f"{LICIN}/lampu", "start": "2026-03-04T10:00", "end": "2026-03-04T11:30", "back": "/"}
    with empty.served(None, caller=limited) as client:
        client.post("/maintenance", data=form)
        assert "Pemeliharaan tidak dicatat" in text_of(client.get(f"/villages/{GLAGAH}"))
    with empty.served() as client:
        assert client.get("/api/v1/maintenance").json()["items"] == []


def test_refused_payloads_are_a_devices_by_id_or_address() -> None:
    device = replace(villages(1)[0].facilities[0].devices[0], address="gerbang-depan")
    topics = ("tele/Gerbang-Depan/SENSOR", "siaga/v1/35.10.15.2001/gerbang-1/senml", "tele/gerbang-depan-2/SENSOR")
    items = [QuarantineItem(n, code(0), NOW, topic, "no", "") for n, topic in enumerate(topics)]
    assert [item.id for item in refused_of(device, items)] == [0, 1]
