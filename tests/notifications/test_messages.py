"""What people read: in their language, by the village's clock, short, and about nobody."""

# ruff: noqa: E501 - a truth table has one line for a case

from dataclasses import replace

import pytest

from api.notifications.digest import What
from api.notifications.messages import LINES, Line, Message, Tone, compose, trial
from api.words import WORDS, Language
from siaga.model.alert_kinds import Kind
from siaga.model.clock import DAY, HOUR, MINUTE
from tests.notifications.desk import NOON, village
from tests.notifications.test_rules import ALERT

LINK = "https://siaga.example"


def message(
    *changes: dict[str, object], what: What = What.RAISED, language: str = "id", link: str | None = LINK
) -> Message:
    lines = [Line(replace(ALERT, **change), what) for change in changes]  # type: ignore[arg-type] # terse
    return compose(lines, language, NOON, lambda code: village() if code == ALERT.village else None, link)


def test_a_failure_in_indonesian() -> None:
    assert message({}) == Message(
        "Gangguan: Gerbang balai, Paspan",
        "Gerbang balai: terganggu (gerbang tertutup), sejak 11.00 WIB (1 jam)\n"
        "Tingkat: berat\n"
        f"https://siaga.example/alerts/{ALERT.id}",
        Tone.FAILURE,
        path=f"/alerts/{ALERT.id}",
        topic=ALERT.id,
    )


def test_the_same_in_english_without_a_link() -> None:
    assert message({}, language="en", link=None) == Message(
        "Alert: Gerbang balai, Paspan",
        "Gerbang balai: failed (the gate is closed), since 11:00 WIB (1 h)\nSeverity: major",
        Tone.FAILURE,
        path=f"/alerts/{ALERT.id}",
        topic=ALERT.id,
    )


def test_the_end_of_it() -> None:
    over: dict[str, object] = {"ended_at": NOON - 10 * MINUTE, "cleared_at": NOON - 8 * MINUTE}
    assert message(over, what=What.CLEARED, link=None) == Message(
        "Pulih: Gerbang balai, Paspan",
        "Gerbang balai: terganggu (gerbang tertutup), pulih 11.50 WIB setelah 50 menit",
        Tone.SUCCESS,
        path=f"/alerts/{ALERT.id}",
        topic=ALERT.id,
    )


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        pytest.param(
            {"kind": "device_silent", "device": "kontak", "facility": "gerbang", "severity": "minor"},
            "Perangkat kontak (Gerbang balai) tidak melapor, sejak 11.00 WIB (1 jam)",
            id="a device",
        ),
        pytest.param(
            {"kind": "village_offline", "facility": None, "cause": "village_offline"},
            "Desa terputus: gateway tidak terdengar, sejak 11.00 WIB (1 jam)",
            id="a village",
        ),
        pytest.param(
            {"kind": "village_offline", "facility": None, "evidence": {"villages": ["35.10.17.2004", "b", "c"]}},
            "Desa terputus: gateway tidak terdengar, bersama 2 desa lain (b, c), sejak 11.00 WIB (1 jam)",
            id="villages that share an uplink",
        ),
        pytest.param(
            {"kind": "village_offline", "facility": None, "evidence": {"villages": ["b", "35.10.17.2004"]}},
            "Desa terputus: gateway tidak terdengar, bersama 1 desa lain (b), sejak 11.00 WIB (1 jam)",
            id="two villages that share an uplink",
        ),
        pytest.param(
            {"kind": "village_offline", "facility": None, "evidence": {"villages": ["35.10.17.2004", *"bcdef"]}},
            "Desa terputus: gateway tidak terdengar, bersama 5 desa lain (b, c, d …), sejak 11.00 WIB (1 jam)",
            id="many villages that share an uplink",
        ),
        pytest.param(
            {"evidence": {"flapping": {"raised": 4}}},
            "Gerbang balai: terganggu (gerbang tertutup), hilang timbul, sejak 11.00 WIB (1 jam)",
            id="held open because it comes and goes",
        ),
        pytest.param(
            {"kind": "indicator_missed", "severity": "critical", "evidence": {"availability_high": 0.9876}},
            "Gerbang balai: di bawah sasaran 24 jam terakhir (gerbang tertutup), terpenuhi 98,76 %, sejak 11.00 WIB (1 jam)",
            id="a share, with a decimal comma and not rounded up",
        ),
        pytest.param(
            {"began_at": NOON - 30 * HOUR}, "Gerbang balai: terganggu (gerbang tertutup), sejak 10 Mar 06.00 WIB (1 hari 6 jam)",
            id="yesterday, with its date",
        ),
        pytest.param(
            {"acknowledged_at": NOON}, "Gerbang balai: terganggu (gerbang tertutup), sejak 11.00 WIB (1 jam), sedang ditangani",
            id="acknowledged meanwhile, by nobody who is named",
        ),
        pytest.param({"facility": "lama"}, "lama: terganggu (gerbang tertutup), sejak 11.00 WIB (1 jam)", id="a facility that was deleted"),
    ],
)  # fmt: skip
def test_what_a_line_says(changes: dict[str, object], line: str) -> None:
    assert message(changes).body.splitlines()[0].replace("\u00a0", " ") == line


@pytest.mark.parametrize(
    ("what", "changes", "title", "tone"),
    [
        (What.RAISED, {}, "Gangguan: Gerbang balai, Paspan", Tone.FAILURE),
        (What.RAISED, {"severity": "minor"}, "Gangguan: Gerbang balai, Paspan", Tone.WARNING),
        (What.WORSE, {}, "Makin berat: Gerbang balai, Paspan", Tone.FAILURE),
        (What.ESCALATED, {}, "Belum ditangani: Gerbang balai, Paspan", Tone.FAILURE),
        (What.ESCALATED, {"cleared_at": NOON}, "Pulih: Gerbang balai, Paspan", Tone.SUCCESS),
        (What.RAISED, {"kind": "village_offline", "facility": None}, "Gangguan: Paspan", Tone.FAILURE),
    ],
)
def test_what_a_title_says(what: What, changes: dict[str, object], title: str, tone: Tone) -> None:
    found = message(changes, what=what)
    assert (found.title, found.tone) == (title, tone)


def test_of_many_alerts_the_gravest_stand_first_and_the_others_are_counted() -> None:
    changes: list[dict[str, object]] = [{"severity": "minor", "facility": f"f{n}"} for n in range(LINES + 3)]
    text = message(*changes, {"severity": "critical", "facility": "wifi"}).body.splitlines()
    assert text[0].startswith("- Wi-Fi balai")
    assert text[LINES] == "dan 4 lagi"
    assert text[LINES + 1] == "Tingkat: kritis"


@pytest.mark.parametrize("language", ["id", "en"])
@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("known", [True, False], ids=["known", "village deleted"])
def test_there_are_words_for_every_kind_and_none_for_people(language: str, kind: Kind, known: bool) -> None:
    alert = replace(
        ALERT, kind=kind.value, device="kontak", acknowledged_at=NOON, evidence={"note": "Ratih, 0812-3456-7890"}
    )
    found = compose([Line(alert, What.RAISED)], language, NOON, lambda _: village() if known else None)
    assert "Ratih" not in found.title + found.body
    assert "0812" not in found.title + found.body
    assert len(found.title) + len(found.body) < 400


def test_a_long_name_does_not_fill_the_phone() -> None:
    long = replace(village(), name="Desa " * 100)
    assert len(compose([Line(ALERT, What.RAISED)], "id", NOON, lambda _: long).title) < 140


@pytest.mark.parametrize(
    ("milliseconds", "indonesian", "english"),
    [
        (0, "kurang dari 1 menit", "less than 1 min"),
        (MINUTE, "1 menit", "1 min"),
        (65 * MINUTE, "1 jam 5 menit", "1 h 5 min"),
        (2 * HOUR, "2 jam", "2 h"),
        (DAY + 59 * MINUTE, "1 hari", "1 d"),
        (3 * DAY + 4 * HOUR, "3 hari 4 jam", "3 d 4 h"),
    ],
)
def test_durations(milliseconds: int, indonesian: str, english: str) -> None:
    assert tuple(WORDS[language].duration(milliseconds) for language in Language) == (indonesian, english)


def test_the_test_message_says_that_nothing_is_wrong() -> None:
    assert trial("id").body == "Saluran ini akan menerima peringatan siaga. Tidak ada gangguan."
    assert trial("en").title == "Siaga: test message"
