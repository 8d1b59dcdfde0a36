"""`siaga report`: a file in the form that its ending says, whole or not at all."""

import json
import stat
import subprocess
from pathlib import Path

import pytest

from siaga.database import connect, migrate
from siaga.run.reports import Asked, write_report
from siaga.run.settings import Settings
from tests.reports.read_pdf import pages_of
from tests.run.test_cli import SITES, VILLAGE, siaga


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data")


@pytest.fixture
def empty(settings: Settings) -> Settings:
    """With a database that knows no facility."""
    settings.make_data_dir()
    engine = connect(settings.database)
    migrate(engine)
    engine.dispose()
    return settings


def asked(output: Path, **other: str | None) -> Asked:
    words: dict[str, str | None] = {
        "period": "2026-02", "start": None, "end": None, "scope": "*", "language": None
    } | other  # fmt: skip
    return Asked(words["period"], words["start"], words["end"], str(words["scope"]), words["language"], output)


def test_a_report_of_a_village_from_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "sites.yaml").write_text(SITES, encoding="utf-8")
    assert siaga(tmp_path, "import", "sites.yaml").returncode == 0
    done = siaga(tmp_path, "report", "--period", "2026-11", "--scope", VILLAGE, "--output", "november.json")
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads((tmp_path / "november.json").read_bytes())
    assert (told["from"], told["to"], told["rows"], told["outages"]) == ("2026-11-01", "2026-12-01", [], [])
    nowhere: subprocess.CompletedProcess[str] = siaga(
        tmp_path, "report", "--period", "2026-11", "--scope", "99", "--output", "n.csv"
    )
    assert nowhere.returncode == 0
    assert "the database knows no facility in 99" in nowhere.stderr
    wrong = siaga(tmp_path, "report", "--period", "2026-13", "--output", "n.csv")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr.startswith("siaga: --period: '2026-13' is not in the calendar")


@pytest.mark.parametrize("ending", ["json", "csv", "xlsx", "XLSX", "pdf"])
def test_the_ending_says_the_form(empty: Settings, tmp_path: Path, ending: str) -> None:
    output = tmp_path / f"report.{ending}"
    output.write_bytes(b"of before")
    written = write_report(empty, asked(output))
    made = output.read_bytes()
    assert written.size == len(made)
    assert written.notice is not None
    assert written.notice == "--data-dir: the database knows no facility: see --data-dir and --database-url"
    assert made.startswith({"json": b"{", "csv": b"level,id,name", "xlsx": b"PK", "pdf": b"%PDF-"}[ending.lower()])
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [output.name]
    assert stat.S_IMODE(output.stat().st_mode) & 0o444 == 0o444


def test_a_pdf_is_in_the_form_of_the_office(empty: Settings, tmp_path: Path) -> None:
    form = tmp_path / "form.yaml"
    form.write_text("letterhead: [PEMERINTAH KABUPATEN CONTOH]\n", encoding="utf-8")
    in_form = empty.model_copy(update={"report_form": form})
    write_report(in_form, asked(tmp_path / "report.pdf"))
    (first, *_) = pages_of((tmp_path / "report.pdf").read_bytes())
    assert "PEMERINTAH KABUPATEN CONTOH" in first
    form.write_text("letterhead: []\nlogo: away.png\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r'form\.yaml line 2: logo: "away\.png" cannot be read'):
        write_report(in_form, asked(tmp_path / "other.pdf"))


def test_where_no_siaga_was_none_is_begun(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"--data-dir: there is no database of siaga in .*/data: see --data-dir"):
        write_report(settings, asked(tmp_path / "report.csv"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("other", "name", "sentence"),
    [
        ({}, "report", r"does not end in \.pdf, \.xlsx, \.csv or \.json"),
        ({}, "away/report.csv", "there is no directory"),
        ({"period": None}, "r.csv", "--period: say which"),
        ({"start": "2026-01-01"}, "r.csv", "--period: a period comes without from and to"),
        ({"period": None, "start": "2026-02-01", "end": "2026-01-01"}, "r.csv", "--from, --to: from 2026-02-01 is not"),
        ({"scope": "x"}, "r.csv", "--scope: 'x' is not a scope"),
        ({"scope": "x", "language": "id"}, "r.csv", "--scope: 'x' bukan cakupan: tulis kode desa"),
        ({"language": "id"}, "report", r"--output: .*report tidak berakhiran \.pdf"),
        ({"language": "id"}, "away/report.csv", "--output: .* tidak ada direktori"),
        ({"period": "2026-13", "language": "id"}, "r.csv", "--period: '2026-13' tidak ada dalam kalender: tulis"),
        ({"period": None, "language": "id"}, "r.csv", "--period: sebutkan periodenya"),
        ({"language": "jv"}, "r.csv", "--language: 'jv' is not a language of reports: write id or en"),
    ],
)
def test_what_cannot_be_right_is_said_before_anything_is_made(
    settings: Settings, tmp_path: Path, other: dict[str, str | None], name: str, sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        write_report(settings, asked(tmp_path / name, **other))
    assert not list(tmp_path.iterdir())
