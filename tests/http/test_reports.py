"""`GET /reports/availability`, on both databases: what the pure figures say, in every form, and what is refused."""

import csv
import io
import random
import re
import zipfile
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import httpx
import openpyxl
import pytest

from api.reports.documents import document
from api.reports.period import parse_period
from api.reports.report import build
from api.reports.source import FacilityHistory, Source, VillageHistory
from api.words import Language
from siaga.database import tables, writing
from siaga.model.clock import DAY, HOUR, MINUTE
from siaga.model.scope import Scopes
from siaga.timeline.spans import Span
from tests.http.district import FAILED, GLAGAH, LICIN, MET, NOT_REQUIRED, NOW, UNKNOWN, District, villages
from tests.reports.read_pdf import pages_of

PATH = "/api/v1/reports/availability"
GATE, LAMP = f"{GLAGAH}/gerbang", f"{LICIN}/lampu"
JAKARTA = 7 * HOUR
FEBRUARY = 1_769_904_000_000 - JAKARTA
"""2026-02-01, midnight in western Indonesia."""


def report(client: httpx.Client, **asked: str) -> dict[str, Any]:
    answer = client.get(PATH, params={name.rstrip("_"): text for name, text in asked.items()})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def row(told: Mapping[str, Any], level: str, id_: str, kind: str | None = None) -> dict[str, Any]:
    (found,) = [
        row for row in told["rows"] if (row["level"], row["id"]) == (level, id_) and kind in (None, row["kind"])
    ]
    assert isinstance(found, dict)
    return found


def random_life(chance: random.Random, start: int) -> list[Span]:
    """Spans of odd lengths until now, the last of which runs; failures often change their cause, or are excused."""
    at, spans = start, []
    while at < NOW:
        state = chance.choice([MET, FAILED, FAILED, UNKNOWN, NOT_REQUIRED])
        end = at + chance.randrange(1, 30 * HOUR)
        cause = {
            FAILED: chance.choice(["gate_open", "device_silent"]),
            UNKNOWN: chance.choice(["device_silent", "village_offline"]),
        }.get(state)
        excused = state in (FAILED, UNKNOWN) and chance.random() < 0.2
        spans.append(Span(at, end, state, cause, excused, excused and chance.random() < 0.5))
        at = end
    last = spans.pop()
    return [*spans, Span(last.start, 2**62, last.state, last.cause, last.excused, last.excused_later)]


def lives(chance: random.Random) -> dict[tuple[str, str], list[Span]]:
    begins = {"gerbang": NOW - 70 * DAY + 123, "wifi-balai": NOW - 9 * DAY, "lampu": NOW - 3 * DAY - 12 * HOUR}
    return {
        (village.code, facility.id): random_life(chance, begins[facility.id])
        for village in villages()
        for facility in village.facilities
        if facility.id in begins
    }


def test_the_answer_is_what_the_figures_say_of_whole_histories(both: District) -> None:
    """The read side hands over a part of the spans; the rest must not matter. The year is made by a process."""
    found = lives(random.Random(5))
    for (village, facility), spans in found.items():
        both.spans(village, facility, *spans)
    both.link(GLAGAH, "online", NOW, last_alive=NOW - 20 * DAY)
    both.link(LICIN, "online", NOW)
    heard = {GLAGAH: NOW - 20 * DAY, LICIN: None}
    histories = {
        village.code: [
            FacilityHistory(facility, found[village.code, facility.id], found[village.code, facility.id][0].start)
            for facility in village.facilities
            if (village.code, facility.id) in found
        ]
        for village in villages()
    }
    whole = Source([VillageHistory(village, histories[village.code], heard[village.code]) for village in villages()])
    with both.served() as client:
        for period in ("2026-02", "2026-W09", "2026-W10", "2026-03-03", "2026-03-04", "2026-01", "2025-12", "2026"):
            for scope in ("*", GLAGAH, "35.10.16") if period != "2026" else ("*",):
                told = report(client, period=period, scope=scope, language="en")
                wanted = build(whole, parse_period(period), Scopes.of([scope]), Language.EN, NOW)
                assert told == document(wanted), (period, scope)


def test_figures_are_those_of_availability_and_of_days(both: District) -> None:
    for (village, facility), spans in lives(random.Random(8)).items():
        both.spans(village, facility, *spans)
    both.link(GLAGAH, "online", NOW, last_alive=NOW - 5 * DAY)
    with both.served() as client:
        told = report(client, period="2026-02")
        window = {"from": "2026-01-31T17:00:00Z", "to": "2026-02-28T17:00:00Z"}
        listed = client.get("/api/v1/availability", params=window).json()["items"]
        for item in listed:
            if item["required_s"]:
                shown = row(told, "facility", item["id"])
                assert {name: shown[name] for name in item} == item
        days = client.get("/api/v1/days", params={"from": "2026-02-01", "to": "2026-03-01", "limit": 1000}).json()
        for name in (GATE, f"{GLAGAH}/wifi-balai"):
            shown = row(told, "facility", name)["days"]
            begun = [day for day in days["items"] if day["id"] == name and day["date"] >= "2026-02-23"]
            every = [day for day in days["items"] if day["id"] == name]
            mine = every if name == GATE else begun  # the other one was not there before
            for verdict in ("met", "missed", "unjudged", "not_required"):
                assert shown[verdict] == sum(day["verdict"] == verdict for day in mine), (name, verdict)
            assert shown["provisional"] == sum(day["provisional"] for day in mine)


def test_a_facility_has_no_time_before_it_was_there(district: District) -> None:
    """Neither met nor failed nor days; its row begins with it. One that is judged from later on has no row."""
    district.alternating(GLAGAH, "gerbang", FEBRUARY + 20 * DAY, (HOUR, MET, None), (DAY, MET, None))
    district.alternating(LICIN, "lampu", NOW - 3 * DAY, (DAY, MET, None))
    with district.served() as client:
        told = report(client, period="2026-02")
    gate = row(told, "facility", GATE)
    assert (gate["required_s"], gate["met_s"], gate["measured"]) == (8 * 86_400, 8 * 86_400, 1)
    assert sum(gate["days"][name] for name in ("met", "missed", "unjudged", "not_required")) == 8
    assert [found["id"] for found in told["rows"] if found["level"] == "facility"] == [GATE]
    assert row(told, "all", "*")["facilities"] == 1


def test_the_date_in_the_sites_file_is_where_it_begins(district: District) -> None:
    """The lamp is judged from 1 March: spans of before do not count, whatever wrote them."""
    district.alternating(LICIN, "lampu", FEBRUARY, (28 * DAY, FAILED, "lamp_on"), (HOUR, MET, None), (DAY, MET, None))
    with district.served() as client:
        assert report(client, period="2026-02")["rows"] == []
        march = row(report(client, period="2026-03"), "facility", LAMP)
    assert (march["failed_s"], march["outages"], march["days"]["missed"]) == (0, 0, 0)


def test_the_last_day_of_the_month_is_in_it_and_the_next_is_not(district: District) -> None:
    """An outage of the last hour of 28 February, by the village's clock: 16:00 to 17:00 UTC."""
    midnight = FEBRUARY + 28 * DAY
    district.alternating(
        GLAGAH, "gerbang", FEBRUARY, (28 * DAY - HOUR, MET, None), (HOUR, FAILED, "gate_open"), (DAY, MET, None)
    )
    with district.served() as client:
        told = report(client, period="2026-02")
        assert row(told, "facility", GATE)["required_s"] == 28 * 86_400
        assert row(told, "facility", GATE)["failed_s"] == 3600
        assert [found["end"] for found in told["outages"]] == ["2026-02-28T17:00:00Z"]
        assert row(report(client, period="2026-02-28"), "facility", GATE)["failed_s"] == 3600
        after = report(client, from_="2026-03-01", to="2026-03-02")
    assert midnight == 1_772_298_000_000
    assert (row(after, "facility", GATE)["failed_s"], after["outages"]) == (0, [])


def test_each_period_has_figures_of_its_own(district: District) -> None:
    district.alternating(
        GLAGAH, "gerbang", FEBRUARY, (7 * DAY, MET, None), (DAY, FAILED, "gate_open"), (DAY, MET, None)
    )
    with district.served() as client:
        failed = {
            period: row(report(client, period=period), "facility", GATE)["failed_s"]
            for period in ("2026-02-07", "2026-02-08", "2026-02", "2026-W06", "2026-W07", "2026-Q1", "2026-H1", "2026")
        }
        told = report(client, from_="2026-02-07", to="2026-02-09")
    assert failed == {
        "2026-02-07": 0,
        "2026-02-08": 86_400,
        "2026-02": 86_400,
        "2026-W06": 86_400,  # 2 to 8 February
        "2026-W07": 0,
        "2026-Q1": 86_400,
        "2026-H1": 86_400,
        "2026": 86_400,
    }
    assert (told["from"], told["to"]) == ("2026-02-07", "2026-02-09")
    assert row(told, "facility", GATE)["required_s"] == 2 * 86_400


def test_maintenance_is_as_excused_here_as_on_the_timeline(district: District) -> None:
    """One declared afterwards is excused, too, and told apart."""
    district.spans(
        GLAGAH,
        "gerbang",
        Span(FEBRUARY, FEBRUARY + DAY, MET),
        Span(FEBRUARY + DAY, FEBRUARY + DAY + 2 * HOUR, FAILED, "gate_open", True),
        Span(FEBRUARY + DAY + 2 * HOUR, FEBRUARY + DAY + 3 * HOUR, UNKNOWN, "device_silent", True, True),
        Span(FEBRUARY + DAY + 3 * HOUR, 2**62, MET),
    )
    with district.served() as client:
        gate = row(report(client, period="2026-02"), "facility", GATE)
        strip = client.get(
            f"/api/v1/facilities/{GATE}/timeline",
            params={"from": "2026-01-31T17:00:00Z", "to": "2026-02-28T17:00:00Z"},
        ).json()["spans"]
    assert (gate["excused_s"], gate["excused_later_s"]) == (3 * 3600, 3600)
    assert sum(1 for span in strip if span["excused"]) == 2
    assert (gate["availability_low"], gate["outages"], gate["causes"]) == (1, 0, {"failed": {}, "unknown": {}})
    assert gate["measured"] == gate["met_s"] / gate["required_s"] < 1


@pytest.mark.parametrize(
    ("cause", "what"), [("device_silent", "no data"), ("village_offline", "siaga itself, or the gateway, was away")]
)
def test_what_is_not_known_is_neither_up_nor_down(district: District, cause: str, what: str) -> None:
    district.alternating(GLAGAH, "gerbang", FEBRUARY, (DAY, MET, None), (2 * DAY, UNKNOWN, cause), (DAY, MET, None))
    district.link(GLAGAH, "online", NOW, last_alive=NOW)
    with district.served() as client:
        gate = row(report(client, from_="2026-02-01", to="2026-02-05"), "facility", GATE)
    assert (gate["met_s"], gate["unknown_s"], gate["failed_s"]) == (2 * 86_400, 2 * 86_400, 0), what
    assert (gate["availability_low"], gate["availability_high"], gate["coverage"]) == (0.5, 1, 0.5)
    assert gate["days"] == {
        "met": 2,
        "missed": 0,
        "unjudged": 2,
        "not_required": 0,
        "provisional": 2 if cause == "village_offline" else 0,
    }
    assert gate["causes"] == {"failed": {}, "unknown": {cause: 2 * 86_400}}


def test_no_share_is_over_one_and_what_is_cut_is_not_rounded_up(district: District) -> None:
    """98.996 % met is 98.99 % for people, never 99.00 % beside a missed target."""
    failed = round(28 * DAY * (1 - 0.98996))
    district.alternating(
        GLAGAH, "gerbang", FEBRUARY, (28 * DAY - failed, MET, None), (failed, FAILED, "gate_open"), (HOUR, MET, None)
    )
    with district.served() as client:
        gate = row(report(client, period="2026-02"), "facility", GATE)
        assert 0.98995 < gate["availability_low"] < 0.98997
        assert gate["left_s"] < 0
        book = workbook(client.get(PATH, params={"period": "2026-02", "format": "xlsx"}).content)
        everything = report(client, period="2026-02")
    heading, line = list(book["Fasilitas"].values)
    assert line[list(heading).index("Ketersediaan (tidak diketahui dianggap gagal)")] == 0.9899
    for one in everything["rows"]:
        for share in ("availability_low", "availability_high", "coverage", "measured"):
            assert one[share] is None or 0 <= one[share] <= 1


def test_an_outage_stands_once_and_whole_with_its_alert(both: District) -> None:
    """It began in January and has two causes; the second held longer. Another goes on, a third is within its grace."""
    began = FEBRUARY - 2 * HOUR
    both.spans(
        GLAGAH,
        "gerbang",
        Span(began - DAY, began, MET),
        Span(began, began + HOUR, FAILED, "gate_open"),
        Span(began + HOUR, began + 6 * HOUR, FAILED, "online"),
        Span(began + 6 * HOUR, began + 9 * HOUR, MET),
        Span(began + 9 * HOUR, began + 9 * HOUR + 5 * MINUTE, FAILED, "gate_open"),
        Span(began + 9 * HOUR + 5 * MINUTE, NOW - HOUR, MET),
        Span(NOW - HOUR, 2**62, FAILED, "gate_open"),
    )
    alert = both.raise_alert(1, at=began + 5 * MINUTE)
    both.raise_alert(2, at=NOW - HOUR + 5 * MINUTE, facility="wifi-balai")
    with writing(both.engine) as connection:
        values = {
            "ended_at": began + 6 * HOUR,
            "cleared_at": began + 6 * HOUR,
            "acknowledged_at": began + HOUR,
            "acknowledged_by": "ratih",
        }
        connection.execute(tables.alert.update().where(tables.alert.c.id == alert).values(values))
    with both.served() as client:
        february, march = report(client, period="2026-02"), report(client, period="2026-03")
    assert february["outages"] == [
        {
            "facility": GATE,
            "start": "2026-01-31T15:00:00Z",
            "end": "2026-01-31T21:00:00Z",
            "duration_s": 6 * 3600,
            "cause": "online",
            "alert": alert,
            "acknowledged_by": "ratih",
            "acknowledged_at": "2026-01-31T16:00:00Z",
        }
    ]
    gate = row(february, "facility", GATE)
    assert (gate["outages"], gate["longest_outage_s"], gate["mttr_s"]) == (1, 6 * 3600, 6 * 3600)
    assert gate["failed_s"] == 4 * 3600 + 300, "of the period only what lies in it"
    assert gate["mtbf_s"] == gate["met_s"]
    (running,) = march["outages"]
    assert (running["end"], running["duration_s"], running["alert"]) == (None, 3600, None)
    assert row(march, "facility", GATE)["mttr_s"] is None, "the mean is of those that are over"
    assert (february["provisional"], march["provisional"]) == (True, True)


def test_names_follow_the_language_and_the_regions_of_the_sites_file(district: District) -> None:
    district.registry.replace(villages(), NOW, {"35.10": "Kabupaten Banyuwangi"})
    district.alternating(GLAGAH, "gerbang", FEBRUARY, (DAY, MET, None), (DAY, MET, None))
    with district.served() as client:
        told = {language: report(client, period="2026-02", language=language)["rows"] for language in ("id", "en")}
    assert [(found["level"], found["id"], found["name"], found["kind"]) for found in told["id"]] == [
        ("facility", GATE, "Gerbang kantor desa", "gate"),
        ("village_indicator", GLAGAH, "Gerbang terbuka 24 jam", "gate"),
        ("village", GLAGAH, "Kampunganyar", None),
        ("subdistrict_indicator", "35.10.15", "Gerbang terbuka 24 jam", "gate"),
        ("subdistrict", "35.10.15", "35.10.15", None),
        ("district_indicator", "35.10", "Gerbang terbuka 24 jam", "gate"),
        ("district", "35.10", "Kabupaten Banyuwangi", None),
        ("indicator", "*", "Gerbang terbuka 24 jam", "gate"),
        ("all", "*", "Semua", None),
    ]
    assert [found["name"] for found in told["en"]][-2:] == ["Gate open, 24 hours", "All"]


def workbook(content: bytes) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(content))


def test_csv_and_xlsx_say_what_json_says(district: District) -> None:
    """Every number of every row and outage; a name that begins like a formula stays a text."""
    named = villages()
    trap = '=HYPERLINK("http://x","1+1")'
    gate = named[0].facilities[0]
    district.registry.replace(
        [named[0].__class__(**{**_fields(named[0]), "facilities": (type(gate)(**{**_fields(gate), "name": trap}),)})],
        NOW,
    )
    district.spans(GLAGAH, "gerbang", *lives(random.Random(3))[GLAGAH, "gerbang"])
    with district.served() as client:
        told = report(client, period="2026-02")
        answers = {form: client.get(PATH, params={"period": "2026-02", "format": form}) for form in ("csv", "xlsx")}
    lines = answers["csv"].content.decode().split("\r\n")
    assert (lines[-1], answers["csv"].headers["content-type"]) == ("", "text/csv; charset=utf-8")
    table = list(csv.DictReader(io.StringIO(answers["csv"].text, newline="")))
    assert table[0]["name"] == f"'{trap}"
    book = workbook(answers["xlsx"].content)
    sheets = [list(book[name].values) for name in book.sheetnames[:9]]
    shown = [line for sheet in sheets for line in sheet[1:]]
    assert shown[0][2] == trap
    assert len(table) == len(shown) == len(told["rows"])
    for one, line, cells in zip(told["rows"], table, shown, strict=True):
        flat = {**one, **{f"days_{name}": number for name, number in one["days"].items()}}
        for (column, text), cell in zip(line.items(), cells, strict=True):
            value = flat[column]
            if column not in ("level", "id", "name", "kind"):
                assert (float(text) if text else None) == value, column
                assert _as_number(cell, column) == pytest.approx(_cut(value, column), abs=0.6e-3), (column, cell)
    with zipfile.ZipFile(io.BytesIO(answers["xlsx"].content)) as packed:
        for name in packed.namelist():
            text = packed.read(name).decode()
            assert not re.search("<f[ >/]|<hyperlink|Target=.http", text), name
    outages = list(book["Gangguan"].values)
    assert [_as_number(line[3], "duration_s") for line in outages[1:]] == pytest.approx(
        [found["duration_s"] for found in told["outages"]], abs=0.6e-3
    )
    assert {line[4] for line in outages[1:]} <= {"gerbang tertutup", "perangkat tidak melapor"}


def test_pdf_says_what_json_says(district: District) -> None:
    """Made by a process, also where it is small."""
    for (village, facility), spans in lives(random.Random(3)).items():
        district.spans(village, facility, *spans)
    with district.served() as client:
        told = report(client, period="2026-02")
        answer = client.get(PATH, params={"period": "2026-02", "format": "pdf"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    assert answer.headers["content-disposition"] == 'attachment; filename="siaga-2026-02-semua.pdf"'
    text = " ".join(pages_of(answer.content))
    for line in told["rows"]:
        if line["level"] != "facility":
            continue
        shares = (line["availability_low"], line["availability_high"])
        low, high = (f"{int(share * 10_000) / 100:.2f} %".replace(".", ",") for share in shares)
        hours, minutes = int(line["failed_s"]) // 3600, int(line["failed_s"]) % 3600 // 60
        assert f"{low} sampai {high}; gagal {hours} j {minutes:02d} mnt" in text


def _fields(thing: object) -> dict[str, Any]:
    return {name: getattr(thing, name) for name in thing.__dataclass_fields__}  # type: ignore[attr-defined]


def _as_number(cell: Any, column: str) -> float | None:
    """A cell as a number; durations come back as such."""
    if cell is None or isinstance(cell, int | float):
        return cell * 86_400 if cell is not None and column.endswith("_s") else cell
    return float(cell.total_seconds())


def _cut(value: float | None, column: str) -> float | None:
    shares = ("availability_low", "availability_high", "coverage", "measured")
    return int(value * 10_000) / 10_000 if value is not None and column in shares else value


REFUSED: Sequence[tuple[dict[str, str], str]] = [
    ({}, "query period: say which period, such as 2026-11, or both of from and to"),
    ({"period": "2026-13"}, "query period: '2026-13' is not in the calendar"),
    ({"period": "november"}, "query period: 'november' is not a period: write 2026-11-05, 2026-W45"),
    ({"period": "2026-W54"}, "'2026-W54' is not in the calendar"),
    ({"period": "2026-11", "from": "2026-11-01"}, "query period: a period comes without from and to"),
    ({"from": "2026-11-01"}, "query from: from comes with to"),
    ({"from": "2026-11-02", "to": "2026-11-02"}, "from 2026-11-02 is not before to, 2026-11-02"),
    ({"from": "2026-02-30", "to": "2026-03-02"}, "from: '2026-02-30' is not in the calendar"),
    ({"from": "2020-01-01", "to": "2026-03-02"}, "is more than 366 days before to"),
    ({"period": "2026-11", "scope": "Glagah"}, "query scope: 'Glagah' is not a scope: write a village's code"),
    ({"period": "2026-11", "format": "docx"}, "query format"),
    ({"period": "2026-11", "language": "jv"}, "query language"),
    ({"period": "2026-11", "village": GLAGAH}, "query 'village': is not a parameter of this call"),
]


@pytest.mark.parametrize(("asked", "sentence"), REFUSED, ids=lambda value: str(value)[:40])
def test_what_cannot_be_right_is_refused_in_a_sentence(
    reader: httpx.Client, asked: dict[str, str], sentence: str
) -> None:
    answer = reader.get(PATH, params=asked)
    assert answer.status_code == 422, answer.text
    assert sentence in answer.json()["detail"]


def test_a_scope_that_holds_nothing_finds_nothing(reader: httpx.Client) -> None:
    told = report(reader, period="2026-02", scope="99.99")
    assert (told["rows"], told["outages"], told["provisional"]) == ([], [], False)
    assert reader.get(PATH, params={"period": "2026-02"}, headers={"Authorization": "Bearer x"}).status_code == 401


def test_dates_of_the_answer_are_the_period_s_also_while_it_runs(reader: httpx.Client) -> None:
    told = report(reader, period="2026-03")
    assert (told["from"], told["to"]) == (str(date(2026, 3, 1)), "2026-04-01")
    assert (told["generated_at"], told["provisional"]) == ("2026-03-04T05:00:00Z", True)
