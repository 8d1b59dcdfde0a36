"""How each language writes causes, shares and times."""

import pytest

from api.words import WORDS, Explained, Language, Sentence, chosen_language, unpacked
from api.words.formats import without_desa
from siaga.model.clock import DAY, HOUR
from tests.http.district import NOW

INDONESIAN, ENGLISH = WORDS[Language.ID], WORDS[Language.EN]


def test_a_cause_reads_as_a_reason() -> None:
    assert INDONESIAN.cause("unknown", "village_offline") == "gateway desa tidak terdengar"
    assert INDONESIAN.cause("failed", "gate_open") == "gerbang tertutup"
    assert ENGLISH.cause("unknown", "gate_open") == "no data: gate sensor"
    assert ENGLISH.cause("unknown", "a_new_signal") == "no data: a_new_signal"


@pytest.mark.parametrize(
    ("share", "indonesian", "english"),
    [
        (1.0, "100\u00a0%", "100\u00a0%"),
        (0.98996, "98,99\u00a0%", "98.99\u00a0%"),
        (0.9999999, "99,99\u00a0%", "99.99\u00a0%"),
        (0.29, "29\u00a0%", "29\u00a0%"),
        (0.905, "90,5\u00a0%", "90.5\u00a0%"),
        (0.00009, "0\u00a0%", "0\u00a0%"),
    ],
)
def test_a_share_has_a_decimal_comma_and_is_never_rounded_up(share: float, indonesian: str, english: str) -> None:
    assert (INDONESIAN.percent(share), ENGLISH.percent(share)) == (indonesian, english)


@pytest.mark.parametrize(
    ("time", "zone", "indonesian", "english"),
    [
        (NOW - HOUR, "Asia/Jakarta", "11.00 WIB", "11:00 WIB"),
        (NOW - HOUR, "Asia/Makassar", "12.00 WITA", "12:00 WITA"),
        (NOW - HOUR, "Asia/Jayapura", "13.00 WIT", "13:00 WIT"),
        (NOW - 13 * HOUR, "Asia/Jakarta", "3 Mar 23.00 WIB", "3 Mar 23:00 WIB"),
        (NOW - 90 * DAY, "Asia/Jakarta", "4 Des 2025 12.00 WIB", "4 Dec 2025 12:00 WIB"),
    ],
)
def test_times_are_the_villages_own(time: int, zone: str, indonesian: str, english: str) -> None:
    assert (INDONESIAN.time(time, NOW, zone), ENGLISH.time(time, NOW, zone)) == (indonesian, english)


@pytest.mark.parametrize(
    ("asked", "accepted", "language"),
    [
        (None, None, Language.ID),
        (None, "de-DE,de;q=0.9", Language.ID),
        (None, "en-GB,en;q=0.8", Language.EN),
        (None, "id,en;q=0.9", Language.ID),
        (None, "id;q=0.5,en;q=0.9", Language.EN),
        (None, "en;q=none,;;,id", Language.ID),
        ("en", "id", Language.EN),
        ("id", "en", Language.ID),
        ("xx", "en", Language.EN),
    ],
)
def test_indonesian_unless_english_is_asked_for_or_preferred(
    asked: str | None, accepted: str | None, language: Language
) -> None:
    assert chosen_language(accepted, asked) is language


def test_a_sentence_waits_for_its_reader() -> None:
    late = Sentence("made_too_late", {"seconds": "120"})
    assert unpacked(late.packed()) == late
    assert late.alone(INDONESIAN).startswith("Laporan belum jadi setelah 120 detik")
    assert str(Explained(late)).startswith("the report was not ready after 120 seconds")


@pytest.mark.parametrize("line", ["", "Traceback", "[]", "{}", '["nobody_wrote_this", {}]', '["a"]', "7", "[7, 7]"])
def test_what_is_no_sentence_is_none(line: str) -> None:
    assert unpacked(line) is None


@pytest.mark.parametrize(
    ("name", "bare"),
    [("Tamansuruh", "Tamansuruh"), ("Desa Tamansuruh", "Tamansuruh"), ("desa  Olehsari", "Olehsari")]
    + [(name, name) for name in ("Desa", "Desa ", "Desakarya", "Kelurahan Kertosari", "")],
)
def test_a_village_is_not_called_desa_twice(name: str, bare: str) -> None:
    assert without_desa(name) == bare
