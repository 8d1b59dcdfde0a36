"""The page of one alert: why, what to do, whom to ring, what was done."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from api.app import create_app
from api.http import HttpServer
from api.notifications.digest import What
from api.queries.villages import names_of
from api.web.chart import HEIGHT, WIDTH, chart_line, place
from api.web.guidance import NO_GUIDANCE, SitesFileError, load_guidance, read_guidance
from api.words import WORDS, Language
from siaga.database import tables, writing
from siaga.model.alert_kinds import Kind
from siaga.model.caller import Caller, Role
from siaga.model.clock import HOUR, MINUTE
from siaga.model.observation import Point
from siaga.model.scope import EVERYWHERE
from siaga.telemetry import SeriesPoint
from tests.http.district import NOW, District
from tests.wait import PATIENCE
from tests.web.kampung import code, fill

RATIH = Caller(Role.TECHNICIAN, "ratih", EVERYWHERE, "person/ratih")
FILE = """
advice:
  - kind: facility_failed
    cause: gate_open
    id: [Telepon Pak Slamet., "Lihat <kamera>."]
contacts:
  - {scope: "35.10", name: Kominfo, phone: "0333-123456"}
  - {scope: "35.10.15", name: Camat Glagah, phone: "+62 812 3456"}
  - {scope: "35.11", name: Lain, phone: "0331-1"}
"""


@pytest.fixture
def client(empty: District) -> Iterator[httpx.Client]:
    fill(empty, 2)
    with empty.served(None, caller=RATIH) as client:
        yield client


def text_of(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


def test_cause_evidence_and_what_to_do_in_words(client: httpx.Client, empty: District) -> None:
    evidence = {
        "mains": "out",
        "signals": {"gerbang-1/gate_open": {"value": False, "time": "2026-03-04T02:00:00Z"}},
        "odd": {"x": [1]},
    }
    alert = empty.raise_alert(1, village=code(0), evidence=evidence)
    text = text_of(client.get(f"/alerts/{alert}"))
    for said in (
        "Gerbang kantor desa: terganggu", "gerbang tertutup", "sejak 10.55 WIB (1 jam 5 menit)", "listrik padam",
        "gerbang-1: Gerbang terbuka tidak, 09.00 WIB", "Telepon penjaga: gerbang seharusnya terbuka 24 jam.",
        "Sambungan desa kini terhubung sejak 09.00 WIB",
    ):  # fmt: skip
        assert said in text, said
    page = client.get(f"/alerts/{alert}").text
    assert 'href="geo:-8.2,114.3?q=-8.2,114.3(Kampunganyar)"' in page
    assert f'data-alert="{alert}" data-revision="1" data-state="new"' in page
    assert client.get(f"/alerts/{'0' * 32}").status_code == 404
    assert client.get("/alerts/nonsense").status_code == 404


def test_a_device_without_evidence_says_what_came_instead(client: httpx.Client, empty: District) -> None:
    evidence = {"signals": ["battery", "own:count"], "came_instead": "an uplink without decoded values", "error": "E1"}
    alert = empty.raise_alert(1, kind=Kind.NO_EVIDENCE, village=code(0), device="gerbang-1", evidence=evidence)
    text = text_of(client.get(f"/alerts/{alert}"))
    for said in ("Yang datang Baterai, own:count", "Yang datang an uplink without decoded values", "E1"):
        assert said in text, said


def test_its_trail_and_what_happened_before(client: httpx.Client, empty: District) -> None:
    before = empty.raise_alert(1, village=code(0), at=NOW - 9 * HOUR)
    empty.clear_alert(before, NOW - 8 * HOUR)
    alert = empty.raise_alert(2, village=code(0))
    other = empty.raise_alert(3, village=code(0), facility="wifi", at=NOW - 9 * HOUR)
    path = f"/alerts/{alert}"
    client.post(f"{path}/assign", data={"note": "kunci <hilang>", "back": path})
    empty.clock.advance(MINUTE)
    client.post(f"{path}/assign", data={"assignee": "wahyu", "back": path})
    client.post(f"{path}/snooze", data={"until": "4h", "back": path})
    answer = client.get(path)
    text = text_of(answer)
    assert "ratih · menulis · 12.00 WIB kunci &lt;hilang&gt;" in text
    assert "ratih · menugaskan kepada wahyu · 12.01 WIB" in text
    assert "ratih · Ditunda sampai 16.01 WIB · 12.01 WIB" in text
    assert answer.text.index('id="h-before"') < answer.text.index(f'data-alert="{before}"')
    assert other not in answer.text


def test_who_has_an_alert_gives_it_back(client: httpx.Client, empty: District) -> None:
    alert = empty.raise_alert(1, village=code(0))
    path = f"/alerts/{alert}"
    assert "Kembalikan" not in client.get(path).text, "nobody has it"
    client.post(f"{path}/assign", data={"back": path})
    assert "Kembalikan" in client.get(path).text
    answer = client.post(
        f"{path}/assign", data={"nobody": "true", "note": "sakit", "back": path}, follow_redirects=True
    )
    assert "1 peringatan dikembalikan: belum ditangani siapa pun." in answer.text
    assert f'data-alert="{alert}" data-revision="6" data-state="new"' in answer.text
    text = text_of(answer)
    assert "ratih · mencabut penugasan" in text
    assert "ratih · mengembalikan: belum ditangani siapa pun" in text
    assert "sakit" in text
    assert "Tangani" in text


def test_the_signal_that_decided_is_drawn(client: httpx.Client, empty: District) -> None:
    times = [NOW - n * 10 * MINUTE for n in range(20)]
    empty.store.write([Point(code(0), "gerbang-1", time, time, {"gate_open": time < NOW - HOUR}) for time in times])
    alert = empty.raise_alert(1, village=code(0))
    page = client.get(f"/alerts/{alert}").text
    assert 'aria-label="gerbang-1: Gerbang terbuka: antara tidak dan ya, terakhir tidak"' in page


def message(district: District, alert: str, to: str, what: What = What.RAISED, **columns: object) -> None:
    """A message about an alert, as the planner and the sender leave it."""
    row = {"key": f"{to}{what}", "recipient": to, "provider": "p", "village": code(0), "created": NOW, "due": NOW}
    item = {"alert": alert, "what": what.value, "severity": "major", "reason": "semua: at any time", "over": False}
    with writing(district.engine) as connection:
        query = tables.notification.insert().values(row | {"attempts": 0, "state": "waiting"} | columns)
        number = connection.execute(query.returning(tables.notification.c.id)).scalar_one()
        connection.execute(tables.notification_item.insert().values(item | {"notification": number}))


def planned(district: District) -> None:
    """It was decided who is told of all alerts."""
    with writing(district.engine) as connection:
        connection.execute(tables.notice.delete())


def test_who_was_told_and_whether_it_arrived(client: httpx.Client, empty: District) -> None:
    alert = empty.raise_alert(1, village=code(0))
    planned(empty)
    assert "Tidak seorang pun diberi tahu" in client.get(f"/alerts/{alert}").text
    message(empty, alert, "ratih/telegram", state="sent", attempts=1, settled=NOW + 1)
    message(empty, alert, "joko/email", state="dead", attempts=9, settled=NOW + 2, problem="answered 404")
    message(empty, alert, "dewi/wa", attempts=1, due=NOW + HOUR, problem="did not answer", created=NOW + 3)
    message(empty, alert, "kepala/sms", What.ESCALATED, due=NOW + HOUR, created=NOW + 4)
    for number in range(2):
        message(empty, alert, f"wahyu/push-{number}", state="void", settled=NOW + 5)
    step = {"alert": alert, "rule": "semua", "step": 1, "village": code(0), "due": NOW + HOUR, "tell": ["camat"]}
    with writing(empty.engine) as connection:
        connection.execute(tables.escalation.insert().values(step | {"by": []}))
    text = text_of(client.get(f"/alerts/{alert}"))
    for said in (
        "✓ ratih · diberi tahu lewat telegram: diterima penyedia · 12.00 WIB",
        "✗ joko · diberi tahu lewat email: tidak sampai, menjawab 404, pesan tidak diterima · 12.00 WIB",
        "… dewi · diberi tahu lewat wa: belum sampai, tidak menjawab; dicoba lagi 13.00 WIB · 12.00 WIB",
        "kepala · diberi tahu karena belum ada yang menangani lewat sms: menunggu sampai 13.00 WIB",
        "Bila sampai 13.00 WIB belum ada yang menangani, diberi tahu juga: camat.",
    ):  # fmt: skip
        assert said in text, text
    assert text.count("wahyu · diberi tahu lewat notifikasi peramban: tidak perlu lagi") == 1, "one of two browsers"
    client.post(f"/alerts/{alert}/acknowledge")
    assert "camat" not in client.get(f"/alerts/{alert}").text
    with empty.served(None, caller=replace(RATIH, role=Role.VIEWER)) as viewer:
        assert "joko" not in viewer.get(f"/alerts/{alert}").text


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("language", Language)
def test_there_is_something_to_do_about_every_kind(kind: Kind, language: Language) -> None:
    assert len(NO_GUIDANCE.steps(WORDS[language], kind, None)) > 1
    assert NO_GUIDANCE.steps(WORDS[language], kind, "nh3") == NO_GUIDANCE.steps(WORDS[language], kind, None)


def test_a_district_writes_its_own_advice_and_numbers(empty: District, tmp_path: Path) -> None:
    (tmp_path / "guidance.yaml").write_text(FILE, encoding="utf-8")
    guidance = load_guidance(tmp_path / "guidance.yaml")
    fill(empty, 1)
    alert = empty.raise_alert(1, village=code(0))
    app = create_app(
        engine=empty.engine, store=empty.store, clock=empty.clock, guidance=guidance, caller_of=lambda _: RATIH
    )
    with HttpServer(app, "127.0.0.1", 0) as server, httpx.Client(base_url=server.url, timeout=PATIENCE) as client:
        page = client.get(f"/alerts/{alert}").text
        assert "<li>Telepon Pak Slamet.</li>" in page
        assert "<li>Lihat &lt;kamera&gt;.</li>" in page
        assert page.index('href="tel:+628123456"') < page.index('href="tel:0333-123456"'), "the closest first"
        assert "Lain" not in page
        english = client.get(f"/alerts/{alert}?lang=en").text
        assert "Ring the guard: the gate is to stand open 24 hours." in english, "nobody wrote it in English"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("advice: [{kind: gate, id: [a]}]", 'line 1: kind: "gate" is not a kind of alert'),
        ("advice: [{kind: clock_skew}]", "line 1: id: is missing"),
        ("advice: [{kind: clock_skew, id: ['']}]", "is not a step of 1 to 300 characters"),
        ("contacts: [{scope: 35x, name: a, phone: '0333-1'}]", "scope"),
        ("contacts: [{scope: '35', name: a, phone: 'call me'}]", "is not a phone number"),
        ("people: []", "people"),
    ],
)
def test_a_mistake_in_it_is_a_sentence_with_its_line(text: str, says: str) -> None:
    with pytest.raises(SitesFileError, match=re.escape(says)):
        read_guidance(text, "guidance.yaml")


def test_the_example_of_the_guide_is_a_file_without_mistakes() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "pages.md").read_text(encoding="utf-8")
    guidance = read_guidance(guide.partition("```yaml\n")[2].partition("```")[0], "guidance.yaml")
    assert guidance.steps(WORDS[Language.ID], "facility_failed", "gate_open")[0] == "Telepon Pak Slamet di pos jaga."
    assert [contact.phone for contact in guidance.contacts_of(code(0))] == ["0333-123456"]


def points_of(*values: tuple[int, float]) -> list[SeriesPoint]:
    return [SeriesPoint(time, 1, value, value, value, value) for time, value in values]


@pytest.mark.parametrize(
    ("points", "boolean", "path"),
    [
        ([(0, 1.0), (10, 0.0)], True, "M0 2H28.8V46h0.8"),
        ([(0, 5.0), (10, 15.0), (20, 10.0)], False, "M0 46L28.8 2L57.6 24h0.8"),
        ([(0, 5.0), (60, 15.0)], False, "M0 46M172.8 2h0.8"),
        ([(0, 5.0)], False, "M0 46h0.8"),
    ],
    ids=["a boolean in steps", "a number scaled to what it reached", "a gap is not drawn", "one value"],
)
def test_a_line(points: list[tuple[int, float]], boolean: bool, path: str) -> None:
    line = chart_line(points_of(*points), (0, 100), 10, boolean=boolean)
    assert line is not None
    assert line.path == path


def test_nothing_measured_is_no_line_and_nothing_lies_outside() -> None:
    assert chart_line([], (0, 100), 10, boolean=False) is None
    assert (place(-5, (0, 100)), place(500, (0, 100)), HEIGHT) == (0, WIDTH, 48)


def test_villages_that_were_lost_together_are_named(client: httpx.Client, empty: District) -> None:
    villages = [code(0), code(1)]
    together = empty.raise_alert(
        77, kind=Kind.VILLAGE_OFFLINE, village=code(0), facility=None, evidence={"villages": villages}
    )
    text = text_of(client.get(f"/alerts/{together}"))
    with empty.engine.connect() as connection:
        names = names_of(connection, set(villages))
    assert "2 desa terputus bersama" in text
    for village in villages:
        assert names[village][0] in text
