"""The page that the code on a printed report leads to: in both languages, without sign-in, and without figures."""

import re

import httpx
import pytest

from api.issued import orders
from api.issued.asked import Asked
from api.issued.names import new_name, read_name, shown_name
from api.issued.process import work
from api.reports.office import PLAIN
from api.reports.period import parse_period
from api.words import Language
from siaga.database import writing
from siaga.model.clock import DAY, MINUTE
from siaga.model.scope import Scopes
from tests.http.district import FAILED, GLAGAH, MET, NOW, District


@pytest.fixture
def issued(district: District) -> District:
    """Two revisions of a report of one village."""
    district.alternating(GLAGAH, "gerbang", NOW - 40 * DAY, (DAY, FAILED, "gate_open"), (DAY, MET, None))
    order(district)
    order(district, supersedes=reports(district)[0]["id"])
    return district


def order(district: District, supersedes: str | None = None) -> None:
    asked = Asked(parse_period("2026-02"), Scopes.of([GLAGAH]), Language.ID, "ratih", supersedes=supersedes)
    with writing(district.engine) as connection:
        orders.place(connection, asked, "key", district.clock.now(), mine=False)
    district.clock.advance(MINUTE)
    assert work(district.engine, PLAIN, district.clock.now) == 1


def reports(district: District) -> list[dict[str, str]]:
    with district.served() as client:
        found: list[dict[str, str]] = client.get("/api/v1/reports").json()["items"]
    return found[::-1]


def test_a_name_is_typed_as_people_type() -> None:
    name = new_name()
    assert len({new_name() for _ in range(100)}) == 100
    assert [read_name(text) for text in (name, shown_name(name), f" {name.upper()} ")] == [name] * 3
    assert [read_name(text) for text in ("", name[1:], f"{name}2", "0" * 16, "../../etc/passwd")] == [None] * 5


@pytest.mark.parametrize("language", ["id", "en"])
def test_whoever_holds_the_paper_sees_whether_it_is_genuine(issued: District, language: str) -> None:
    first, second = reports(issued)
    said = {
        "id": ("Laporan ini sudah diganti", "Laporan ini asli", "Februari 2026", f"Kampunganyar ({GLAGAH})"),
        "en": ("This report is superseded", "This report is genuine", "February 2026", f"Kampunganyar ({GLAGAH})"),
    }[language]
    with issued.served(None) as client:
        client.headers["Accept-Language"] = language
        old, new = client.get(f"/r/{first['id']}"), client.get(f"/r/{shown_name(str(second['id'])).upper()}")
    assert (old.status_code, new.status_code) == (200, 200)
    assert (said[0] in old.text, f'href="/r/{second["id"]}"' in old.text) == (True, True)
    assert (said[1] in new.text, f'href="/r/{first["id"]}"' in new.text) == (True, True)
    for page, report in ((old, first), (new, second)):
        assert said[2] in page.text
        assert said[3] in page.text
        assert all(file["sha256"] in page.text for file in report["files"])  # type: ignore[index] # JSON
        assert re.search(r"\d+[.,]\d\d\s*%", page.text) is None, "no figure"
        assert "ratih" not in page.text, "nobody's name"


def test_a_file_is_compared_by_its_fingerprint(issued: District) -> None:
    [report, _] = reports(issued)
    sha256 = report["files"][0]["sha256"]  # type: ignore[index] # JSON
    with issued.served(None) as client:
        client.headers["Accept-Language"] = "en"
        same = client.get(f"/r/{report['id']}", params={"sha256": f" {sha256.upper()}"})
        line = client.get(f"/r/{report['id']}", params={"sha256": f"{sha256}  unduhan/{'a' * 200}/laporan.pdf"})
        other = client.get(f"/r/{report['id']}", params={"sha256": "0" * 64})
        none = client.get(f"/r/{report['id']}", params={"sha256": f"{sha256}0"})
    assert "The same: this is the PDF of this report" in same.text
    assert "The same: this is the PDF of this report" in line.text, "what `sha256sum` says"
    assert "That is no SHA-256" in none.text
    assert "Different: that file is not of this report" in other.text


@pytest.mark.parametrize("code", ["2" * 16, "abc", "%3Cscript%3E", "a" * 3000])
def test_what_was_not_issued_here_is_not_known(reader: httpx.Client, code: str) -> None:
    answer = reader.get(f"/r/{code}", headers={"Accept-Language": "en"})
    assert (answer.status_code, "This report is not known" in answer.text) == (404, True)
    assert "<script>" not in answer.text


def test_it_is_there_also_where_the_public_page_is_not(issued: District) -> None:
    issued.public_page = False
    [report, _] = reports(issued)
    with issued.served(None) as client:
        assert client.get("/").status_code == 404
        assert client.get(f"/r/{report['id']}").status_code == 200
