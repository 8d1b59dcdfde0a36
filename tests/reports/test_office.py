"""The office's own form of a report: what its file may say, and a sentence with the line for what it may not."""

import re
from pathlib import Path

import pytest

from api.reports.answer import packed, unpacked
from api.reports.forms import Form, Question
from api.reports.office import LARGEST_LOGO, PLAIN, OfficeForm, SitesFileError, load_office, read_office
from api.reports.pdf.annexes import MOST_OUTAGES
from api.reports.period import parse_period
from api.words import Language
from siaga.model.scope import Scopes

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0h9v9z"/></svg>'
FILE = """\
letterhead:
  - PEMERINTAH KABUPATEN BANYUWANGI
  - DINAS KOMUNIKASI
address: [Jalan Agus Salim 85]
logo: logo.svg
number: 500.12/7
basis: [Undang-Undang Nomor 6 Tahun 2014]
place: Banyuwangi
signer:
  office: Kepala Dinas
  name: Sri Contoh
  rank: Pembina
  nip: 0197001011990031001
link: https://siaga.example.go.id/
"""


def test_all_that_a_file_may_say(tmp_path: Path) -> None:
    (tmp_path / "logo.svg").write_bytes(SVG)
    (tmp_path / "form.yaml").write_text(FILE, encoding="utf-8")
    office = load_office(tmp_path / "form.yaml")
    assert office.letterhead == ("PEMERINTAH KABUPATEN BANYUWANGI", "DINAS KOMUNIKASI")
    assert office.signer is not None
    assert office.signer.nip == "0197001011990031001", "as it was written, zeros and all"
    assert (office.logo and office.logo.data, office.link) == (SVG, "https://siaga.example.go.id")
    question = Question(parse_period("2026-11"), Scopes.of("*"), Language.ID, Form.PDF, 1)
    assert unpacked(packed("sqlite://", question, office)).office == office
    assert read_office("", "form.yaml", tmp_path) == PLAIN


def test_the_guide_s_form_has_every_key(tmp_path: Path) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "reports.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"<!-- form -->\n```yaml\n(.*?)```", guide, re.DOTALL)
    (tmp_path / "logo.png").write_bytes(SVG)  # what it is is told by its bytes, and not by its name
    office = read_office(text, "form.yaml", tmp_path)
    assert [name for name in OfficeForm.model_fields if not getattr(office, name)] == []
    assert [name for name, value in office.signer or () if not value] == []
    assert [name for name, value in office.restitution or () if not value] == []
    assert f"at most {LARGEST_LOGO // 1024} kB" in guide
    assert f"longest {MOST_OUTAGES}" in guide


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("place: [a]\n", "form.yaml line 1: place: a list is not a text"),
        ("place: a\nplac: b\n", "form.yaml line 2: plac: is no key here; there are letterhead"),
        ("letterhead: satu\n", 'form.yaml line 1: letterhead: "satu" is not a list of texts'),
        ("signer:\n  name: a\n", "form.yaml line 2: office: is missing"),
        (
            "signer:\n  office: b\n  name: ''\n",
            'form.yaml line 3: name: "" is not a text of 1 to 200 characters in one line',
        ),
        ("signer: Budi\n", 'form.yaml line 1: signer: "Budi" is not a group of keys'),
        ("basis:\n  - a\n  - {b: c}\n", "form.yaml line 3: basis: "),
        (
            "link: siaga.example\n",
            'form.yaml line 1: link: "siaga.example" is not the address of siaga\'s pages such as',
        ),
        (
            "restitution:\n  formula: X*W\n  prices: {}\n",
            "form.yaml line 2: formula: \"X*W\" names 'W'; it may hold numbers such as 99.5, X, Y, Z, + -",
        ),
        ("restitution:\n  formula: X\n", "form.yaml line 2: prices: is missing"),
        ("restitution: {formula: X, prices: {gate: 1.5}}\n", "form.yaml line 1: gate: 1.5 is not a whole number"),
        ("restitution: {formula: X, prices: {gate: -1}}\n", "form.yaml line 1: gate: -1 is less than 0"),
        ("restitution: {formula: X, prices: {gat: 1}}\n", "form.yaml line 1: prices: a group of keys names 'gat'"),
        (
            "restitution: {formula: X, prices: {}, over: 5 menit}\n",
            'form.yaml line 1: over: "5 menit" is not a duration such as 30s, 5m or 2h',
        ),
        (
            "restitution: {formula: X, prices: {}, rate: 1}\n",
            "form.yaml line 1: rate: is no key here; there are formula",
        ),
        ("logo: away.png\n", 'form.yaml line 1: logo: "away.png" cannot be read: No such file'),
        ("logo: form.txt\n", 'form.yaml line 1: logo: "form.txt" is no picture as PNG, JPEG or SVG'),
        ("logo: broken.png\n", 'form.yaml line 1: logo: "broken.png" cannot be drawn: '),
        ("place: a\nplace: b\n", "form.yaml line 2: place: stands twice"),
        ("- a\n", "form.yaml line 1: "),
        ("a: [\n", "form.yaml line 2: this is not YAML"),
    ],
)
def test_a_mistake_is_one_sentence_with_its_line(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "form.txt").write_text("no picture")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
    with pytest.raises(SitesFileError) as caught:
        read_office(text, "form.yaml", tmp_path)
    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"away\.yaml: cannot be read: No such file"):
        load_office(tmp_path / "away.yaml")
