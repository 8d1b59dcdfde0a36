"""A comparison finds what differs: each kind of difference once, and none where there is none."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from siaga.verify.answers import Availability, RaisedAlert, ToldComplaint, ToldSpan
from siaga.verify.complaints import compare_complaints
from siaga.verify.known_truth import BadTruth, KnownTruth, read_truth
from siaga.verify.raised import compare_alerts
from siaga.verify.readings import expected
from siaga.verify.timelines import compare_timeline

CODE = "35.10.66.2001"
NAME = f"{CODE}/gerbang"
START = 1_800_000_000
MINUTE, HOUR = 60, 3600
LOOK = 2.25
"""Seconds in which a device that came up, or looks at its inputs, may say one thing after the other."""
CLOSED = (START + HOUR, START + 2 * HOUR)


def lines(*, live: bool = True, kind: str = "gate", **more: object) -> list[dict[str, object]]:
    """The truth of four hours of one gate that reports each minute and is closed in the second one."""
    place = {"village": CODE, "facility": "gerbang"}
    silent = range(START + 3 * HOUR, START + 3 * HOUR + 30 * MINUTE) if more.get("silent") else range(0)
    states = [
        (START, CLOSED[0], "met", None),
        (*CLOSED, "failed", "gate_closed"),
        (CLOSED[1], START + 4 * HOUR, "met", None),
    ]
    excused = {"excused": True} if more.get("excused") else {}
    found: list[dict[str, object]] = [
        *(
            {
                **{"type": "report", "village": CODE, "device": "g", "time": t, "acknowledged": True},
                "values": {"gate_open": not CLOSED[0] <= t < CLOSED[1]},
            }
            for t in range(START, START + 4 * HOUR, MINUTE)
            if t not in silent
        ),
        {
            **{"type": "run", "scenario": "x", "seed": 1, "start": START, "end": START + 4 * HOUR, "live": live},
            **{"sent_from": START if live else START + 4 * HOUR, "sent_until": START + 4 * HOUR},
        },
        {"type": "village", "village": CODE, "offline_after": 300, "played": True},
        {"type": "heard", "village": CODE, "start": START, "end": START + 4 * HOUR},
        {
            **{
                "type": "facility",
                **place,
                "kind": kind,
                "needs": "any",
                "grace": 300,
                "recovery": 120,
                "target": 0.99,
                "silence": "failed" if kind == "free_wifi" else "unknown",
            },
            **{"evidence": ["gate_open"], "silence": "unknown", "devices": [{"id": "g", "every": 60}]},
        },
    ]
    for a, b, state, cause in states:
        span: dict[str, object] = {"type": "span", **place, "start": a, "end": b, "state": state, "cause": cause}
        found.append({**span, **(excused if state == "failed" else {})})
    return found


def truth(directory: Path, **more: object) -> KnownTruth:
    path = directory / "truth.jsonl"
    live, kind = more.pop("live", True), more.pop("kind", "gate")
    written = lines(live=bool(live), kind=str(kind), **more)
    path.write_text("".join(json.dumps(line) + "\n" for line in written))
    return read_truth(path)


def told(*spans: tuple[int, int, str]) -> list[ToldSpan]:
    return [ToldSpan(a * 1000, b * 1000, state, None, excused=False) for a, b, state in spans]


END = START + 4 * HOUR
RIGHT = told((START, CLOSED[0] + 1, "met"), (CLOSED[0] + 1, CLOSED[1] + 1, "failed"), (CLOSED[1] + 1, END, "met"))

# What siaga tells; the seconds it is wrong, and knows nothing without a reason; whether that is within what is allowed
TIMELINES: dict[str, tuple[Sequence[ToldSpan], float, float, bool]] = {
    "a second late each time": (RIGHT, 2, 0, True),
    "three seconds late, once": (
        told((START, CLOSED[0] + 3, "met"), (CLOSED[0] + 3, CLOSED[1], "failed"), (CLOSED[1], END, "met")),
        3,
        0,
        False,
    ),
    "three seconds early, once": (
        told((START, CLOSED[0] - 3, "met"), (CLOSED[0] - 3, CLOSED[1], "failed"), (CLOSED[1], END, "met")),
        3,
        0,
        False,
    ),
    "a failure of a second that never was": (
        told((START, START + 600, "met"), (START + 600, START + 601, "failed"), (START + 601, CLOSED[0], "met"))
        + told((*CLOSED, "failed"), (CLOSED[1], END, "met")),
        1,
        0,
        False,
    ),
    "over a second too early": (
        told((START, CLOSED[0], "met"), (CLOSED[0], CLOSED[1] - 3, "failed"), (CLOSED[1] - 3, END, "met")),
        3,
        0,
        False,
    ),
    "it forgets for a second what it knew": (
        told((START, START + 600, "met"), (START + 600, START + 601, "unknown"), (START + 601, CLOSED[0], "met"))
        + told((*CLOSED, "failed"), (CLOSED[1], END, "met")),
        0,
        1,
        False,
    ),
    "a failure that it never saw": (told((START, END, "met")), HOUR, 0, False),
    "a failure that never was": (told((START, END, "failed")), 3 * HOUR - LOOK, 0, False),
    "it does not know what it was told": (told((START, END, "unknown")), 0, 4 * HOUR - LOOK, False),
    "it says nothing at all": ([], 4 * HOUR - LOOK, 0, False),
    "a hole of ten minutes": (
        told(
            (START, START + 600, "met"),
            (START + 600, START + 1200, "unknown"),
            (START + 1200, CLOSED[0], "met"),
            (*CLOSED, "failed"),
            (CLOSED[1], END, "met"),
        ),
        0,
        600,
        False,
    ),
}


@pytest.mark.parametrize("name", TIMELINES)
def test_a_timeline_beside_the_truth(tmp_path: Path, name: str) -> None:
    spans, wrong, unexplained, agrees = TIMELINES[name]
    known = truth(tmp_path)
    figures = compare_timeline(known, known.facilities[0], spans, None)
    assert (figures.wrong, figures.unexplained) == (wrong, unexplained)
    assert figures.transitions == 2
    assert figures.allowed == 2 * LOOK, "it says at once what changed"
    assert figures.agrees is agrees


def test_what_siaga_cannot_know_while_a_device_is_silent_is_not_held_against_it(tmp_path: Path) -> None:
    known = truth(tmp_path, silent=True)
    quiet = told(
        (START, CLOSED[0], "met"),
        (*CLOSED, "failed"),
        (CLOSED[1], START + 3 * HOUR + 120, "met"),
        (START + 3 * HOUR + 120, START + 3 * HOUR + 1800, "unknown"),
        (START + 3 * HOUR + 1800, END, "met"),
    )
    figures = compare_timeline(known, known.facilities[0], quiet, None)
    assert figures.agrees
    assert figures.unexplained == 0
    guessed = [*quiet[:3], ToldSpan(quiet[3].start, quiet[3].end, "failed", None, excused=False), quiet[4]]
    assert not compare_timeline(known, known.facilities[0], guessed, None).agrees, "a guess is held against it"


def test_what_was_not_acknowledged_may_be_known_and_need_not(tmp_path: Path) -> None:
    written = lines()
    for line in written:
        time = line.get("time")
        if isinstance(time, int) and CLOSED[0] - 10 * MINUTE <= time < CLOSED[1]:
            line["acknowledged"] = False
    at = next(place for place, line in enumerate(written) if line["type"] == "heard")
    lost_from, lost_until = CLOSED[0] - 9 * MINUTE, CLOSED[1]
    heard = {"type": "heard", "village": CODE}
    written[at : at + 1] = [
        {**heard, "start": START, "end": lost_from},
        {**heard, "start": lost_from, "end": lost_until, "acknowledged": False},
        {**heard, "start": lost_until, "end": END},
    ]
    path = tmp_path / "truth.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in written))
    known = read_truth(path)

    def agrees(*spans: tuple[int, int, str]) -> bool:
        return compare_timeline(known, known.facilities[0], told(*spans), None).agrees

    nothing_came = ((START, lost_from, "met"), (lost_from, lost_until, "unknown"), (lost_until, END, "met"))
    assert agrees(*nothing_came)
    last = CLOSED[0] - MINUTE
    held = last + 3 * MINUTE
    all_until = ((START, held, "met"), (held, lost_until, "unknown"), (lost_until, END, "met"))
    assert agrees(*all_until), "the last before the gate closed came, and held"
    longer = ((START, held + MINUTE, "met"), (held + MINUTE, lost_until, "unknown"), (lost_until, END, "met"))
    assert not agrees(*longer), "nothing that may have come says so"


def test_a_press_says_nothing_of_what_its_device_measures(tmp_path: Path) -> None:
    written = lines(silent=True, kind="toilet")
    press = START + 3 * HOUR + 20 * MINUTE
    report = {"type": "report", "village": CODE, "device": "g", "acknowledged": True}
    written.insert(0, {**report, "time": press, "values": {"cleaned": 1}})
    next(line for line in written if line["type"] == "facility")["evidence"] = ["gate_open", "cleaned"]
    path = tmp_path / "truth.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in written))
    known = read_truth(path)
    until = START + 3 * HOUR + 2 * MINUTE
    quiet = told(
        (START, CLOSED[0], "met"),
        (*CLOSED, "failed"),
        (CLOSED[1], until, "met"),
        (until, START + 3 * HOUR + 30 * MINUTE, "unknown"),
        (START + 3 * HOUR + 30 * MINUTE, END, "met"),
    )
    assert compare_timeline(known, known.facilities[0], quiet, None).agrees


def test_availability_that_is_not_its_own_timeline_is_a_difference(tmp_path: Path) -> None:
    known = truth(tmp_path)
    sums = Availability(4 * HOUR, 3 * HOUR, HOUR, 0, 0)
    assert compare_timeline(known, known.facilities[0], RIGHT, sums).agrees
    other = Availability(4 * HOUR, 3 * HOUR - 1, HOUR + 1, 0, 0)
    assert compare_timeline(known, known.facilities[0], RIGHT, other).disagreement == 2


def alert(kind: str, began: int, raised: int, ended: int | None, subject: str = NAME) -> RaisedAlert:
    times = (began * 1000, raised * 1000, None if ended is None else ended * 1000)
    return RaisedAlert("1", kind, CODE, subject, None, *times)


DUE = CLOSED[0] + 300
SEEN = alert("facility_failed", CLOSED[0] + 1, DUE + 2, CLOSED[1])
MISSED_MONTH = alert("indicator_missed", CLOSED[0] + 900, CLOSED[0] + 900, None)
ALERTS: dict[str, tuple[list[RaisedAlert], int, int]] = {
    "as it was": ([SEEN, MISSED_MONTH], 0, 0),
    "never raised": ([MISSED_MONTH], 1, 0),
    "raised before it failed": ([SEEN, MISSED_MONTH, alert("facility_failed", START + 600, START + 900, None)], 0, 1),
    "of a facility that there is not": (
        [SEEN, MISSED_MONTH, alert("facility_failed", CLOSED[0], DUE, None, f"{CODE}/wifi")],
        0,
        1,
    ),
    "a village that was heard all the time": (
        [SEEN, MISSED_MONTH, alert("village_offline", START + HOUR, START + HOUR, None, CODE)],
        0,
        1,
    ),
    "a device that reported": (
        [SEEN, MISSED_MONTH, alert("device_silent", START + HOUR, START + HOUR, None, f"{CODE}/g")],
        0,
        1,
    ),
    "a clock that was right": (
        [SEEN, MISSED_MONTH, alert("clock_skew", START + HOUR, START + HOUR, None, f"{CODE}/g")],
        0,
        1,
    ),
    "from before the run": (
        [SEEN, MISSED_MONTH, alert("facility_failed", START - 900, START - 600, START - 500)],
        0,
        0,
    ),
}


@pytest.mark.parametrize("name", ALERTS)
def test_alerts_beside_the_truth(tmp_path: Path, name: str) -> None:
    alerts, missed, false = ALERTS[name]
    figures = compare_alerts(truth(tmp_path), {CODE: alerts})
    assert (len(figures.missed), len(figures.false)) == (missed, false)
    assert figures.due == 2
    assert figures.delay(0.5) == (2.0 if SEEN in alerts else None)


SAID = [END + 60 * n for n in range(3)]


def complained(directory: Path, *sensors: str | None, refused: bool = False) -> KnownTruth:
    """The truth with a complaint a minute after the end, each beside what the sensors reported."""
    complaints = [
        {
            **{"type": "complaint", "village": CODE, "facility": "gerbang", "problem": "gate_closed"},
            **{"time": SAID[n], "id": None if refused else f"c{n}", "sensors": said},
        }
        for n, said in enumerate(sensors)
    ]
    path = directory / "truth.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in (*complaints, *lines(live=False))))
    return read_truth(path)


def shown(n: int, *, contradicts: bool, problem: str = "gate_closed", at: int = END) -> ToldComplaint:
    return ToldComplaint(f"c{n}", NAME, problem, at * 1000, contradicts)


COMPLAINTS: dict[str, tuple[tuple[str | None, ...], list[ToldComplaint], str | None]] = {
    "as it was": (("met", "failed"), [shown(0, contradicts=True), shown(1, contradicts=False)], None),
    "uncertain": ((None,), [shown(0, contradicts=True)], None),
    "from before the run": ((), [shown(0, contradicts=True, at=START)], None),
    "not shown": (("met",), [], "missing"),
    "shown as if the sensors agreed": (("met",), [shown(0, contradicts=False)], "wrong"),
    "shown as if they said otherwise": (("failed",), [shown(0, contradicts=True)], "wrong"),
    "shown as another problem": (("met",), [shown(0, contradicts=True, problem="other")], "wrong"),
    "made twice of one": (("met",), [shown(0, contradicts=True), shown(1, contradicts=True)], "unsaid"),
}


@pytest.mark.parametrize("name", COMPLAINTS)
def test_complaints_beside_the_truth(tmp_path: Path, name: str) -> None:
    sensors, told_, finding = COMPLAINTS[name]
    figures = compare_complaints(complained(tmp_path, *sensors), told_)
    found = [each for each in ("refused", "missing", "wrong", "unsaid") if getattr(figures, each)]
    assert found == ([] if finding is None else [finding])
    assert figures.agrees is (finding is None)


def test_a_complaint_that_is_not_taken_is_a_difference(tmp_path: Path) -> None:
    assert compare_complaints(complained(tmp_path, "met", refused=True), []).refused == (NAME,)


DOUBTED = alert("sensor_doubted", SAID[0], SAID[2] + 1, None)
DOUBTS: dict[str, tuple[tuple[str | None, ...], list[RaisedAlert], int, int]] = {
    "three contradict": (("met", "met", "met"), [DOUBTED], 0, 0),
    "nobody is told of it": (("met", "met", "met"), [], 1, 0),
    "told of it a minute late": (
        ("met", "met", "met"),
        [alert("sensor_doubted", SAID[0], SAID[2] + 60, None)],
        1,
        0,
    ),
    "two contradict": (("met", "met", "failed"), [DOUBTED], 0, 1),
    "none contradicts": (("failed", "failed", "failed"), [DOUBTED], 0, 1),
    "one may contradict": (("met", "met", None), [DOUBTED], 0, 0),
    "nobody complains": ((), [DOUBTED], 0, 1),
}


@pytest.mark.parametrize("name", DOUBTS)
def test_a_doubted_sensor_beside_the_truth(tmp_path: Path, name: str) -> None:
    sensors, alerts, missed, false = DOUBTS[name]
    figures = compare_alerts(complained(tmp_path, *sensors), {CODE: alerts})
    assert (len(figures.missed), len(figures.false)) == (missed, false)


def test_what_was_over_when_it_was_sent_may_page_nobody(tmp_path: Path) -> None:
    known = truth(tmp_path, live=False)
    late = alert("facility_failed", CLOSED[0], END + 1, CLOSED[1])
    month = alert("indicator_missed", CLOSED[0] + 900, END + 1, None)
    assert [a.kind for a in compare_alerts(known, {CODE: [late, month]}).false] == ["facility_failed"]
    assert compare_alerts(known, {CODE: []}).agrees, "nor for a target that was missed by what is over"


def test_an_excused_failure_raises_nothing(tmp_path: Path) -> None:
    known = truth(tmp_path, excused=True)
    assert compare_alerts(known, {CODE: []}).agrees
    assert len(compare_alerts(known, {CODE: [SEEN]}).false) == 1


def test_how_many_readings_must_and_may_be_stored(tmp_path: Path) -> None:
    known = truth(tmp_path)
    reports = list(known.reports[CODE, "g"])
    assert list(expected(reports, known.start, known.end)) == [("gate_open", 240, 240)]
    unsure = [*reports[:-1], type(reports[0])(reports[-1].time, reports[-1].values, timed=True, acknowledged=False)]
    assert list(expected(unsure, known.start, known.end)) == [("gate_open", 239, 240)]
    twice = [*reports, reports[0]]
    assert list(expected(twice, known.start, known.end)) == [("gate_open", 240, 240)], "one time is one reading"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "says of no run"),
        ("{}\n", "line 1"),
        ('{"type":"run"}\n', "line 1"),
        ("[]\n", "line 1"),
        ('{"type":"span","village":7}\n', "line 1"),
    ],
)
def test_what_is_no_truth_is_said_in_a_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "truth.jsonl"
    path.write_text(text)
    with pytest.raises(BadTruth, match=sentence) as caught:
        read_truth(path)
    assert "\n" not in str(caught.value)
