"""The report as PDF, read back: its numbers are those of the JSON, its texts are texts, the file is what it says."""

import io
import re
from dataclasses import replace
from datetime import date
from fractions import Fraction

import orjson
import pypdf
import pypdfium2  # type: ignore[import-untyped]
import pytest
import typst
from hypothesis import given, settings
from hypothesis import strategies as st

from api.reports.changed import Change
from api.reports.documents import document
from api.reports.figures import Figures, Share
from api.reports.numbers import Numbers
from api.reports.office import PLAIN, Logo, Office, Signer
from api.reports.pdf import as_pdf
from api.reports.pdf.blocks import column, table
from api.reports.pdf.chapters import introduction
from api.reports.pdf.characters import _HAS, printable
from api.reports.pdf.content import Issue, compose
from api.reports.pdf.context import Context
from api.reports.pdf.facts import Goal, goal
from api.reports.pdf.strip import draw
from api.reports.period import parse_period
from api.reports.report import Report, build
from api.reports.restitution import Restitution
from api.reports.source import FacilityHistory, Source, VillageHistory
from api.words import Language
from siaga.model.clock import DAY, HOUR, MINUTE
from siaga.model.scope import Scopes
from siaga.model.sites import Facility, Village
from siaga.timeline.availability import Availability
from siaga.timeline.spans import Span, State
from tests.reports.histories import World, worlds
from tests.reports.read_pdf import pages_of

FEBRUARY = 1_769_878_800_000
"""2026-02-01, midnight in western Indonesia."""
NOW = FEBRUARY + 40 * DAY
OFFICE = Office(
    letterhead=("PEMERINTAH KABUPATEN BANYUWANGI", "DINAS KOMUNIKASI, INFORMATIKA DAN PERSANDIAN"),
    number="500.12/7/429.111/2026",
    basis=("Undang-Undang Nomor 6 Tahun 2014 tentang Desa",),
    place="Banyuwangi",
    signer=Signer(office="Kepala Dinas", name="Sri Contoh, S.Kom.", rank="Pembina (IV/a)", nip="197001011990031001"),
    logo=Logo(
        format="svg", data=b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0h9v9z"/></svg>'
    ),
)


def report(
    villages: int = 1,
    *,
    name: str = "Gerbang",
    village: str = "Kampunganyar",
    language: Language = Language.ID,
    failed: int = 10 * HOUR,
    period: str = "2026-02",
    kinds: tuple[str, ...] = ("gate",),
    more: tuple[str, ...] = (),
) -> Report:
    """A report in which each facility failed at first. `more`: names of further gates in each village."""
    histories = []
    for number in range(villages):
        facilities = tuple(Facility(f"f-{kind}", kind, name) for kind in kinds)
        facilities += tuple(Facility(f"more-{place}", "gate", other) for place, other in enumerate(more))
        there = Village(f"35.10.15.{2012 + number}", village, -8.2, 114.3, "Asia/Jakarta", facilities)
        spans = [
            Span(FEBRUARY, FEBRUARY + failed, State.FAILED, "gate_open"),
            Span(FEBRUARY + failed, FEBRUARY + failed + 90 * MINUTE, State.UNKNOWN, "village_offline"),
            Span(FEBRUARY + failed + 90 * MINUTE, FEBRUARY + failed + 3 * HOUR, State.FAILED, "gate_open", True),
            Span(FEBRUARY + failed + 3 * HOUR, 2**62, State.MET),
        ]
        before = Availability(met=90 * HOUR, failed=10 * HOUR)
        judged = [FacilityHistory(facility, spans, FEBRUARY, before=before) for facility in facilities]
        histories.append(VillageHistory(there, judged, NOW))
    source = Source(histories, {"35.10.15": "Kecamatan Glagah"})
    return build(source, parse_period(period), Scopes.of("*"), language, NOW)


def everything(pdf: bytes) -> str:
    return " ".join(pages_of(pdf))


def test_the_document_follows_the_order_of_an_official_report() -> None:
    told = everything(as_pdf(report(), OFFICE))
    chapters = ["Ringkasan", "A. Pendahuluan", "B. Kegiatan", "C. Hasil", "D. Simpulan dan saran", "E. Penutup",
                "Lampiran I. Desa", "Lampiran II. Gangguan", "Lampiran III. Cara hitung"]  # fmt: skip
    places = [told.rindex(chapter) for chapter in chapters]
    assert places == sorted(places)
    for said in ("PEMERINTAH KABUPATEN BANYUWANGI", "Nomor: 500.12/7/429.111/2026", "Undang-Undang Nomor 6 Tahun 2014",
                 "Kepala Dinas,", "Sri Contoh, S.Kom.", "Pembina (IV/a)", "NIP 197001011990031001"):  # fmt: skip
        assert said in told
    assert "KONSEP: belum diterbitkan" in told
    assert "Tabel 1: Ketersediaan menurut indikator" in told
    assert "Gambar 1: Keadaan fasilitas Desa Kampunganyar" in told


def test_pages_say_which_they_are_and_of_how_many() -> None:
    found = pages_of(as_pdf(report(3), OFFICE))
    for number, page in enumerate(found, 1):
        assert f"Halaman {number} dari {len(found)}" in page


@pytest.mark.parametrize("kinds", [("gate",), ("gate", "free_wifi", "night_guard", "toilet", "lactation_room",
                                              "office_lighting", "it_service")])  # fmt: skip
@pytest.mark.parametrize("language", list(Language))
def test_the_summary_is_one_page(kinds: tuple[str, ...], language: Language) -> None:
    long = "Kantor Desa Persiapan Pemekaran Sumberarum Selatan yang Bernama Panjang Sekali" + "W" * 150
    made = report(3, kinds=kinds, language=language, name=long, village=long)
    heads = {Language.ID: ("Ringkasan ", "A. Pendahuluan"), Language.EN: ("Summary ", "A. Introduction")}[language]
    found = pages_of(as_pdf(made))
    (first,) = [place for place, page in enumerate(found) if page.startswith(heads[0])]
    (after,) = [place for place, page in enumerate(found) if page.startswith(heads[1])]
    assert after == first + 1


def test_of_many_scopes_the_cover_and_the_summary_name_a_few() -> None:
    codes = [f"35.10.15.{2012 + number}" for number in range(60)]
    made = replace(report(60), scopes=Scopes.of(codes))
    found = pages_of(as_pdf(made))
    named = "Desa Kampunganyar (35.10.15.2016), dan 55 lagi"
    assert named in found[0]
    (first,) = [place for place, page in enumerate(found) if page.startswith("Ringkasan ")]
    assert named in found[first]
    assert "Desa Kampunganyar (35.10.15.2071)" in found[first + 1]


def test_numbers_are_those_of_the_json() -> None:
    made = report(2, failed=10 * HOUR + 7 * MINUTE)
    told = everything(as_pdf(made))
    (row,) = [row for row in document(made)["rows"] if row["level"] == "all"]  # type: ignore[attr-defined]
    for share in (row["availability_low"], row["availability_high"], row["measured"]):
        assert f"{int(share * 10_000) / 100:.2f} %".replace(".", ",") in told
    for seconds in (row["required_s"], row["met_s"], row["failed_s"], row["unknown_s"]):
        hours, minutes = f"{seconds // 3600:,}".replace(",", "."), seconds % 3600 // 60
        assert f"{hours} j {minutes:02d} mnt" in told
    (facility, _) = [row for row in document(made)["rows"] if row["level"] == "facility"]  # type: ignore[attr-defined]
    left = -facility["left_s"]
    assert f"sisa jatah −{left // 3600:.0f} j {left % 3600 // 60:02.0f} mnt" in told
    assert "sasaran 99 % tidak tercapai" in told


@given(worlds(("2026-W45",)), st.sampled_from(list(Language)))
@settings(max_examples=3)
def test_every_row_of_a_random_district_is_there(world: World, language: Language) -> None:
    made = build(world.source, world.period, Scopes.of("*"), language, world.now * 1000)
    told = everything(as_pdf(made))
    numbers = Numbers(language)
    for one in made.facilities:
        failed = numbers.duration(one.figures.availability.failed)
        said = f"{numbers.percent(one.figures.low)} {'sampai' if language is Language.ID else 'to'} "
        said += f"{numbers.percent(one.figures.high)}; {'gagal' if language is Language.ID else 'failed'} {failed};"
        assert said.replace("\u00a0", " ") in told
    if not made.facilities:
        assert {Language.ID: "Tidak ada fasilitas yang dinilai", Language.EN: "No facility was judged"}[
            language
        ] in told


def test_the_same_report_gives_the_same_bytes_and_another_time_does_not() -> None:
    made = report()
    assert as_pdf(made, OFFICE) == as_pdf(report(), OFFICE)
    assert as_pdf(made, OFFICE) != as_pdf(replace(made, generated_at=NOW + 1000), OFFICE)


def test_the_file_is_an_archive_and_accessible() -> None:
    """By typst's own check, or it were not made; the file says so, has its language, its title and its tags."""
    made = as_pdf(report(), OFFICE)
    read = pypdf.PdfReader(io.BytesIO(made))
    about = read.metadata
    assert about is not None
    assert about.title == "Ketersediaan Fasilitas Desa Februari 2026"
    assert about.creation_date is not None
    assert about.creation_date.timestamp() == NOW // 1000
    said = read.root_object["/Metadata"].get_data().decode()  # type: ignore[attr-defined]
    assert re.search(r"pdfaid:part>2<.*pdfaid:conformance>A<", said, re.DOTALL)
    assert "pdfuaid:part>1<" in said
    assert read.root_object["/Lang"] == "id"
    fonts = set(re.findall(rb"/BaseFont ?/(?:[A-Z]{6}\+)?([A-Za-z]+)", made))
    assert fonts == {b"LibertinusSerif"}
    assert all((round(page.mediabox.width), round(page.mediabox.height)) == (595, 842) for page in read.pages)


NAMES = (
    '#import "x": *', "=1+1", "= Bab", "*tebal*", "$x$", "#sys.inputs", "<label>", "@ref", "\\u{41}", "// bukan",
    "`kode`", "- satu", "+ dua", "/ istilah: arti", "~a~", "a\\ b", "<svg onload=x>", "]", "&amp;",
)  # fmt: skip


def test_a_name_stays_text() -> None:
    """Whatever it means in typst or in SVG."""
    told = everything(as_pdf(report(name=NAMES[0], village=NAMES[1], more=NAMES)))
    for name in NAMES:
        assert f"{name} – Gerbang terbuka 24 jam" in told
    assert "Desa =1+1 (35.10.15.2012)" in told


def test_what_the_font_lacks_is_named_and_not_refused() -> None:
    told = everything(as_pdf(report(name="Gerbang 😀 ꦏ", village="Ünë\u200b\u202eDesa\x07")))
    assert "Gerbang [U+1F600] [U+A98F]" in told
    assert "ÜnëDesa" in told


def test_the_font_has_every_character_that_is_let_through() -> None:
    every = "".join(chr(at) for at in range(0x20, 0x2700) if re.match(f"[{_HAS}]", chr(at)))
    source = '#set document(title: "x")\n#set text(lang: "id", font: "Libertinus Serif")\n#sys.inputs.all'
    for start in range(0, len(every), 400):
        part = " ".join(every[start : start + 400])
        made = typst.compile(
            source.encode(),
            format="pdf",
            sys_inputs={"all": part},
            ignore_system_fonts=True,
            pdf_standards=["a-2a", "ua-1"],
        )
        assert made
    assert printable("a\tb\nc") == "a b c"


@pytest.mark.parametrize("long", ["Balaidesa-" * 18, "Balaidesa " * 18, "Balaidesa" * 20])
def test_a_long_name_breaks_and_stays_on_its_page(long: str) -> None:
    """All that is drawn lies on the paper: nothing black touches the edge."""
    pdf = pypdfium2.PdfDocument(as_pdf(report(name=long, village=long), OFFICE))
    for page in pdf:
        bitmap = page.render(scale=0.5, grayscale=True)
        data, stride = bytes(bitmap.buffer), bitmap.stride
        right = [data[y * stride + x] for y in range(bitmap.height) for x in range(bitmap.width - 8, bitmap.width)]
        assert min(right) > 200


@pytest.mark.parametrize(
    "word", ["W" * 200, "Balaidesa" * 22, "35.10.15.2012/" + "gerbang-" * 20, "04-02-2026\u00a000.00"]
)
def test_no_word_of_a_table_is_wider_than_its_column(word: str) -> None:
    """As typst itself measures the parts between the places where they may break."""
    found = table("", [column("", 1), column("", 9)], [[word, word]])
    [cells] = found["rows"]
    parts = [re.split("[ \u200b]", cell) for cell in cells]
    source = (
        b'#set text(font: "Libertinus Serif", size: 8.5pt, number-width: "tabular")\n'
        b"#context [#metadata(json(bytes(sys.inputs.all)).map(one => measure(one).width.pt())) <wide>]"
    )
    for room, each in zip((467 * 0.1 - 6, 467 * 0.9 - 6), parts, strict=True):
        given = {"all": orjson.dumps(each).decode()}
        [widths] = orjson.loads(
            typst.query(source, "<wide>", field="value", sys_inputs=given, ignore_system_fonts=True)
        )
        assert max(widths) <= room
    assert {re.sub(r"[\s\u200b]", "", cell) for cell in cells} == {re.sub(r"\s", "", word)}


@pytest.mark.parametrize("language", Language)
def test_no_word_of_a_heading_is_wider_than_its_column(language: Language) -> None:
    """Else it would stand in its neighbour's."""
    contract = Restitution(formula="(X*Y)/(Z*99.5%)", prices={"gate": 1_000_000})
    document = compose(
        report(language=language, kinds=("gate", "toilet")), OFFICE.model_copy(update={"restitution": contract})
    )
    source = (
        b'#set text(font: "Libertinus Serif", size: 8.5pt, weight: "bold")\n'
        b"#context [#metadata(json(bytes(sys.inputs.all)).map(one => measure(one).width.pt())) <wide>]"
    )
    words, rooms = [], []
    for one in [*document["summary"], *document["body"]]:
        if one["kind"] == "table" and all(each["part"] for each in one["columns"]):
            whole = sum(each["part"] for each in one["columns"])
            for each in one["columns"]:
                words += (parts := each["head"].split())
                rooms += [467 * each["part"] / whole - 6] * len(parts)
    given = {"all": orjson.dumps(words).decode()}
    [widths] = orjson.loads(typst.query(source, "<wide>", field="value", sys_inputs=given, ignore_system_fonts=True))
    assert [word for word, wide, room in zip(words, widths, rooms, strict=True) if wide > room] == []
    assert len(words) > 60


def test_a_long_table_is_numbered_and_has_its_headings_on_each_page() -> None:
    found = pages_of(as_pdf(report(70)))
    first = next(place for place, page in enumerate(found) if page.startswith("Lampiran IV."))
    after = next(place for place, page in enumerate(found) if page.startswith("Lampiran V."))
    assert after - first > 1
    assert "Tabel" in found[first].partition(": Di bawah sasaran")[0]
    for page in found[first:after]:
        assert "Nama Desa Indikator Sasaran Tersedia Gagal Sisa jatah" in page
    told = " ".join(found[first:after])
    for code in range(2012, 2012 + 70):
        line = rf"Gerbang \(35\.10\.15\.{code}/ ?f.?gate\) ?Kampunganyar Gerbang terbuka 24 jam 99,00.% 98,28.%"
        assert re.search(line, told), told[:400]


def test_an_issued_report_leads_to_its_page() -> None:
    issue = Issue("r-7", 2, "https://siaga.example.go.id/r/r-7")
    first = pages_of(as_pdf(report(), OFFICE, issue))[0]
    assert "Diterbitkan, revisi 2" in first
    assert "https://siaga.example.go.id/r/r-7" in first
    assert "KONSEP" not in first
    assert as_pdf(report(), OFFICE, issue) != as_pdf(
        report(), OFFICE, replace(issue, link="https://siaga.example/r/r-8")
    )


@pytest.mark.parametrize("language", list(Language))
def test_a_revision_lists_what_changed_and_why(language: Language) -> None:
    code = "35.10.15.2012"
    changes = [
        Change(code, "f-gate", "failed_s", 3600, 7260, "late_data"),
        Change(code, "f-gate", "availability_low", 0.98996, 1.0, "late_data,maintenance_declared"),
        Change(code, "gone", "causes.failed.gate_open", None, 60, "sites_file"),
        Change(code, None, "scorecard.gate", "met", "missed", "attestation"),
    ]
    issue = Issue("r-8", 3, None, supersedes="r-7", changes=changes)
    told = everything(as_pdf(report(language=language), OFFICE, issue)).replace("\u00a0", " ").replace("\u200b", "")
    if language is Language.ID:
        for said in (
            "Menggantikan revisi 2 (r-7); yang berubah: Lampiran XI",
            "Lampiran XI. Perubahan dari revisi sebelumnya",
            "1 j 00 mnt 2 j 01 mnt data yang datang terlambat",
            "98,99 % 100,00 %",
            "pemeliharaan dicatat",
            "– 1 mnt berkas lokasi diubah",
            "Desa Kampunganyar (35.10.15.2012) Gerbang terbuka 24 jam",
        ):
            assert said in told
    else:
        assert "Annex XI. Changes since the previous revision" in told
        assert "98.99 % 100.00 %" in told


def test_a_revision_with_many_changes_counts_what_it_leaves_out_and_one_without_says_so() -> None:
    changes = [Change("35.10.15.2012", f"f-{n}", "failed_s", 0, n, "late_data") for n in range(1, 403)]
    issue = Issue("r-8", 2, None, supersedes="r-7", changes=changes)
    told = everything(as_pdf(report(), OFFICE, issue))
    assert "Dimuat 400 dari 402 perubahan; 2 tidak dimuat." in told
    assert "Tidak ada angka yang berubah" in everything(as_pdf(report(), OFFICE, replace(issue, changes=())))
    assert "Lampiran XI" not in everything(as_pdf(report(), OFFICE, Issue("r-7", 1, None)))


@pytest.mark.parametrize(
    ("met", "failed", "unknown", "found"),
    [
        (99_000, 1_000, 0, Goal.ACHIEVED),
        (98_996, 1_004, 0, Goal.MISSED),
        (98_999, 1_000, 1, Goal.OPEN),
        (0, 0, 0, Goal.NONE),
    ],
)
def test_the_verdict_comes_from_whole_times(met: int, failed: int, unknown: int, found: Goal) -> None:
    figures = Figures(1, Availability(met, failed, unknown))
    assert goal(figures, Fraction("0.99")) is found


def test_numbers_are_written_as_people_of_the_language_do() -> None:
    indonesian, english = Numbers(Language.ID), Numbers(Language.EN)
    assert (indonesian.percent(Share(98_996, 100_000)), english.percent(Share(98_996, 100_000))) == (
        "98,99\u00a0%",
        "98.99\u00a0%",
    )
    assert indonesian.percent(Share(1, 0)) == "–"
    spaces = {HOUR * 7 + 12 * MINUTE: "7 j 12 mnt", 59_999: "59 dtk", MINUTE: "1 mnt", -26 * MINUTE: "−26 mnt",
              0: "0 dtk",
              1_440_000 * HOUR: "1.440.000 j 00 mnt"}  # fmt: skip
    assert {time: indonesian.duration(time).replace("\u00a0", " ") for time in spaces} == spaces
    assert indonesian.time(FEBRUARY + 15 * HOUR + 4 * MINUTE, "Asia/Jakarta") == "01-02-2026\u00a015.04"
    assert english.time(FEBRUARY + 15 * HOUR + 4 * MINUTE, "Asia/Jayapura") == "2026-02-01\u00a017:04"
    assert indonesian.change(Share(9_000, 10_000), Share(98_996, 100_000)) == "+8,99"
    assert indonesian.date(date(2026, 5, 1)) == "1 Mei 2026"
    periods = ("2026-11", "2026-Q4", "2026-H2", "2026", "2026-11-05")
    assert [indonesian.period(parse_period(name)) for name in periods] == [
        "November 2026", "Triwulan IV Tahun 2026", "Semester II Tahun 2026", "Tahun 2026", "5 November 2026"
    ]  # fmt: skip


def test_a_picture_draws_each_span_in_its_day_and_nothing_that_was_not_judged() -> None:
    days = [(0, DAY), (DAY, 2 * DAY)]
    spans = [
        Span(0, 18 * HOUR, State.MET),
        Span(18 * HOUR, 30 * HOUR, State.FAILED, "x"),
        Span(30 * HOUR, 2**62, State.MET),
    ]
    drawn = draw(spans, days, (12 * HOUR, 36 * HOUR))
    failed = re.search(r'd="([^"]*)" stroke="#8c1c13"', drawn)
    met = re.search(r'd="([^"]*)" stroke="#6aa584"', drawn)
    assert failed is not None
    assert met is not None
    assert re.findall(r"M(\d+) [\d.]+h(\d+)", failed[1]) == [("540", "180"), ("0", "180")]
    assert re.findall(r"M(\d+) [\d.]+h(\d+)", met[1]) == [("360", "180"), ("180", "180")]


def test_the_annex_counts_what_it_leaves_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.reports.pdf.annexes.MOST_OUTAGES", 2)
    told = everything(as_pdf(report(3)))
    assert "Dimuat 2 dari 3 gangguan" in told
    assert "1 tidak dimuat di sini" in told


def test_a_report_of_nothing_says_so() -> None:
    empty = build(Source(()), parse_period("2026-02"), Scopes.of("*"), Language.ID, NOW)
    told = everything(as_pdf(empty))
    assert told.count("Tidak ada fasilitas yang dinilai dalam periode ini.") >= 6
    assert "Tidak ada gangguan" not in told, "of what is not known nothing good is said, either"
    assert "Tidak ada fasilitas yang pasti di bawah" not in told
    assert "tercatat sampai 13 Maret 2026 00.00.00 WIB" in told, "by the clock of people, not in UTC"
    later = report(period="2025-11")
    assert "1 desa tidak punya fasilitas yang dinilai dalam periode ini: Kampunganyar" in everything(as_pdf(later))


@pytest.mark.parametrize("period", ["2026-02", "2026-W07", "2026-02-10", "2026-Q1", "2026"])
@pytest.mark.parametrize("language", list(Language))
def test_the_dates_of_the_period_are_said_once(period: str, language: Language) -> None:
    told = report(period=period, language=language)
    dates = Numbers(language).dates(told.period)
    (sentence,) = [
        block["text"]
        for block in introduction(Context(told, PLAIN, None))
        if block["kind"] == "text" and dates in block["text"]
    ]
    assert sentence.count(dates) == 1


def test_a_picture_stands_on_the_page_of_its_figures() -> None:
    """Nine facilities whose headings take three lines each: what does not fit moves to the next page as a whole."""
    long = "Gerbang kantor desa dengan nama yang panjang sekali sampai dua baris nomor"
    made = report(more=tuple(f"{long} {number}" for number in range(9)))
    found = []
    for page in pypdf.PdfReader(io.BytesIO(as_pdf(made))).pages:
        contents, text = page.get_contents(), page.extract_text()
        assert contents is not None
        failures = contents.get_data().count(b"0.54901963 0.10980392 0.07450981 SCN")  # one in each picture
        if headings := text.count("sisa jatah"):
            found.append((headings, failures - text.count("dimaklumi")))  # and one in the legend
    assert sum(headings for headings, _ in found) == 10
    assert all(headings == pictures for headings, pictures in found), found


def test_a_year_is_compared_once() -> None:
    told = everything(as_pdf(report(period="2026")))
    assert told.count("Tahun 2025") == told.count("Tahun 2025 Perubahan") == 1


def test_what_has_no_one_target_is_said_so() -> None:
    made = report(kinds=("gate",), more=("Kedua",))
    other = replace(made.facilities[0], held_to=replace(made.facilities[0].held_to, target=0.5))
    told = everything(as_pdf(replace(made, facilities=[other, *made.facilities[1:]])))
    assert "fasilitasnya punya sasaran yang berbeda-beda" in told


def test_the_title_is_in_the_language_of_the_report() -> None:
    assert compose(report(language=Language.EN), PLAIN)["title"] == "Availability of Village Facilities February 2026"
