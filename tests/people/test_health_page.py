"""`/setup/health`: how siaga itself is, by shape and word."""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from api.web.setup.health import Examined
from api.words import Words
from siaga.database import tables, writing
from siaga.database.faults import Fault, Told, write_told
from siaga.model.caller import Role
from siaga.model.clock import MINUTE
from siaga.model.scope import Scopes
from tests.http.district import GLAGAH, LICIN, NOW, District
from tests.people.accounts import signed_in


def lines(page: httpx.Response) -> dict[str, tuple[str, str]]:
    """Each line of the page by its id: its mark, and its words."""
    found = re.findall(r'data-part="([^"]*)" data-state="(\w+)">(.*?)</li>', page.text, re.DOTALL)
    return {name: (state, " ".join(html.unescape(re.sub("<[^>]+>", " ", text)).split())) for name, state, text in found}


@pytest.fixture
def admin(district: District) -> dict[str, str]:
    """Who manages everything."""
    return signed_in(district, Role.ADMIN, "joko")


def test_each_part_says_whether_it_works_and_why_not(district: District, admin: dict[str, str], tmp_path: Path) -> None:
    no_line = "the village's broker: no connection to mqtt://127.0.0.1:1: refused"
    lost = f"{no_line}; the evidence of 3 villages is being read"
    district.checks |= {"gateway": lambda: None, "collector": lambda: "it is not running yet", "store": lambda: "odd"}
    district.checks["alerts"] = lambda: lost
    district.data_dir = tmp_path / "not" / "yet"
    with district.served(None) as client:
        found = lines(client.get("/setup/health", headers=admin))
    assert found["gateway"] == ("met", "✓ Gateway siaga bekerja")
    assert found["database"] == ("met", "✓ Basis data bekerja")
    assert found["collector"] == ("failed", "✗ Pengumpul belum berjalan (sejak 12.00 WIB)")
    assert "broker desa: tidak ada sambungan ke mqtt://127.0.0.1:1: refused; data 3 desa" in found["alerts"][1]
    assert "tidak bekerja; rincian dalam bahasa Inggris: odd (sejak 12.00 WIB)" in found["store"][1]
    assert found["last"] == ("unknown", "? Kiriman terakhir belum pernah ada")
    assert re.fullmatch(r"· Basis data SQLite [\d.]+, skema \d{4}", found["schema"][1])
    assert re.fullmatch(r"[✓✗] Diska [\d,.]+ GB bebas dari [\d,.]+ GB", found["disk"][1])
    assert found["python"][0] == "not_required"


@pytest.mark.parametrize(("age", "state"), [(MINUTE, "met"), (5 * MINUTE, "failed")])
def test_the_last_batch_is_told_with_its_lag(district: District, admin: dict[str, str], age: int, state: str) -> None:
    with writing(district.engine) as connection:
        row = {"village": GLAGAH, "link": "online", "since": NOW - age, "last_arrival": NOW - age}
        connection.execute(tables.village_state.insert(), row)
    with district.served(None) as client:
        found = lines(client.get("/setup/health", headers=admin | {"Accept-Language": "en"}))
    assert found["last"][0] == state
    assert f"{age // MINUTE} min ago; 1 of 2 villages are heard" in found["last"][1]


def test_a_number_that_has_to_be_looked_at_is_marked(district: District, admin: dict[str, str]) -> None:
    with district.served(None) as client:
        before = lines(client.get("/setup/health", headers=admin))
        assert before["dropped_streams"] == ("not_required", "· Siaran yang diputus karena lambat 0")
        assert before["quarantine_dropped"][1].endswith(" 0")
        assert "dead" not in before, "a number that this process does not have"


@dataclass(frozen=True)
class Found:
    """A finding."""

    id: str
    state: str

    def text(self, words: Words) -> str:
        return words("health_disk")

    def remedy(self, words: Words) -> str | None:
        return words("save") if self.state == "wrong" else None


def test_what_the_admins_were_told_of_is_there_with_what_mends_it(district: District, admin: dict[str, str]) -> None:
    with district.served(None) as client:
        assert "Gangguan pada siaga" not in client.get("/setup/health", headers=admin).text, "nobody has looked yet"
        fault = Fault("disk", "disk_low", {"directory": "/data", "mib": "700"}, NOW - MINUTE)
        for faults in ([], [fault]):
            with writing(district.engine) as connection:
                write_told(connection, Told(NOW, faults))
            page = client.get("/setup/health", headers=admin)
            assert "Dicari setiap 15 menit; terakhir 12.00 WIB." in page.text
            assert page.text.count('data-part="disk"') == len(faults)
    assert lines(page)["disk"] == (
        "failed",
        "✗ 11.59 WIB Disk untuk /data tinggal 700 MiB. Kosongkan disk, atau pasang yang lebih besar.",
    )


def test_the_examination_runs_when_it_is_asked_for(district: District, admin: dict[str, str]) -> None:
    runs: list[int] = []

    district.checks["store"] = lambda: "the telemetry file /srv/siaga/telemetry.db cannot be read"

    def examine() -> Sequence[Examined]:
        runs.append(1)
        return [Found("broker", "wrong"), Found("disk", "ok"), Found("clock", "warning"), Found("store", "unknown")]

    district.examine = examine
    with district.served(None) as client:
        page = client.get("/setup/health", headers=admin)
        assert (runs, "Periksa sekarang" in page.text) == ([], True)
        found = lines(client.get("/setup/health?examine=true", headers=admin))
        assert found["broker"] == ("failed", "✗ Diska Simpan")
        assert [found[name][0] for name in ("clock", "store")] == ["unknown", "unknown"]
        part = signed_in(district, Role.ADMIN, "ratih", Scopes.of([LICIN]))
        limited = client.get("/setup/health?examine=true", headers=part)
        assert len(runs) == 1, "what sums over all villages is for who sees them all"
        assert {"broker", "dropped_streams"} & lines(limited).keys() == set()
        assert "database" in lines(limited)
        assert "sebabnya terlihat oleh admin semua desa" in lines(limited)["store"][1]
        assert "/srv/siaga" not in limited.text
