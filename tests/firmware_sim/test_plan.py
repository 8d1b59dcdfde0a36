"""What people write for the simulator: sites, timetables, and their mistakes in one sentence."""

from pathlib import Path

import pytest

from firmware_sim.condition import Condition
from firmware_sim.faults import Fault, FaultKind, random_faults
from firmware_sim.scenario import load
from firmware_sim.scene import Scene
from firmware_sim.sites import BadFile, read_sites
from firmware_sim.timetable import read_timetable
from tests.firmware_sim.village import CODE, village

DAY = 86_400_000


def test_devices_that_cannot_be_simulated_are_named_and_left_out(tmp_path: Path) -> None:
    simulated = village(tmp_path)
    assert [device.id for device in simulated.devices] == ["kontak", "ap", "relai", "tombol", "pln"]
    assert simulated.left_out == (f"{CODE}/nh3",)


def test_a_timetable_is_laid_out_from_the_start_and_repeats(tmp_path: Path) -> None:
    path = tmp_path / "faults.yaml"
    path.write_text(
        f'faults:\n  - {{at: 1m, for: 30s, every: 10m, village: "{CODE}", device: ap, fault: password_set}}\n'
        f'  - {{at: 2m, for: 5m, village: "{CODE}", fault: mains_cut}}\n'
    )
    faults = read_timetable(path, [village(tmp_path)]).faults(1_000_000, 1_000_000 + 25 * 60_000)
    starts = [(fault.kind, (fault.start - 1_000_000) // 1000, (fault.end - fault.start) // 1000) for fault in faults]
    assert starts == [
        (FaultKind.PASSWORD_SET, 60, 30),
        (FaultKind.PASSWORD_SET, 660, 30),
        (FaultKind.PASSWORD_SET, 1260, 30),
        (FaultKind.MAINS_CUT, 120, 300),
    ]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("{at: soon, for: 1m, village: x, fault: ap_off}", r"faults\.0\.at: 'soon' is not a duration"),
        ("{at: 1m, for: 1m, village: x, fault: meteor}", r"faults\.0\.fault: "),
        ("{at: 1m, for: 1m, village: x, fault: ap_off}", r"faults\.0: x has no device that ap_off can strike"),
        (
            f'{{at: 1m, for: 1m, village: "{CODE}", facility: gerbang, fault: ap_off}}',
            rf"{CODE}/gerbang has no device that ap_off can strike",
        ),
        (f'{{at: 1m, for: 1m, every: 30s, village: "{CODE}", fault: ap_off}}', "every: must be longer"),
        ("{at: 1m, for: 1m, village: x, fault: ap_off, colour: red}", r"faults\.0\.colour"),
        ("[", "is not YAML"),
    ],
)
def test_a_mistake_in_a_timetable_is_one_sentence(tmp_path: Path, line: str, sentence: str) -> None:
    path = tmp_path / "faults.yaml"
    path.write_text(f"faults:\n  - {line}\n")
    with pytest.raises(BadFile, match=sentence) as caught:
        read_timetable(path, [village(tmp_path)])
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("villages: 7", "villages: "), ("villages:\n- {code: a, lat: 99, lon: 1}", r"villages\.0\.lat"), ("{", "YAML")],
)
def test_a_mistake_in_the_sites_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "sites.yaml"
    path.write_text(text)
    with pytest.raises(BadFile, match=sentence):
        read_sites(path)


def test_chance_gives_the_same_faults_for_the_same_seed_and_about_as_many_as_its_rates_say(tmp_path: Path) -> None:
    simulated = village(tmp_path)
    faults = random_faults(simulated, 0, 365 * DAY, 3)
    assert faults == random_faults(simulated, 0, 365 * DAY, 3)
    assert faults != random_faults(simulated, 0, 365 * DAY, 4)
    closed = sum(fault.kind is FaultKind.GATE_CLOSED for fault in faults)
    assert 25 <= closed <= 60  # one in nine days, each about three hours long


CITIZENS = """
title: t
lasts: 2h
villages: {generate: 1, district: "35.10.99"}
citizens:
  - %s
"""


def test_citizens_come_evenly_and_each_says_something_else(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    line = '{at: end-30m, village: "35.10.99.2001", facility: gerbang, problem: gate_closed, people: 3, within: 15m}'
    path.write_text(CITIZENS % line)
    visits = load(str(path)).visits(1_000)
    assert [(visit.at - 1_000) // 60_000 for visit in visits] == [90, 95, 100]
    assert len({visit.note for visit in visits}) == 3
    assert len(load(str(path), lasts=7_200_000 - 1_500_000).visits(0)) == 3
    assert load(str(path), lasts=60_000).visits(0) == [], "who would have come before the run does not come"


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('{at: 1m, village: "35.10.99.2001", facility: x, problem: other}', r"citizens\.0: there is no facility 35"),
        ('{at: "21:00", village: "35.10.99.2001", facility: gerbang, problem: other}', "after the start"),
        ('{at: 1m, village: "35.10.99.2001", facility: gerbang, problem: other, people: 11}', r"citizens\.0\.people"),
    ],
)
def test_a_mistake_in_who_comes_is_one_sentence(tmp_path: Path, line: str, sentence: str) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(CITIZENS % line)
    with pytest.raises(BadFile, match=sentence):
        load(str(path))


MINUTE = 60_000
STUCK, SHUT = FaultKind.SENSOR_STUCK, FaultKind.GATE_CLOSED
REPORTED: dict[str, tuple[list[tuple[FaultKind, int, int]], int, str | None]] = {
    "it stands open": ([], 60, "met"),
    "it is shut": ([(SHUT, 30, 90)], 60, "failed"),
    "it was shut a moment ago": ([(SHUT, 59, 90)], 59, None),
    "it is shut, and its contact is stuck": ([(STUCK, 10, 90), (SHUT, 30, 90)], 60, "met"),
    "it got stuck while it was shut, and is open": ([(STUCK, 40, 90), (SHUT, 30, 50)], 60, "failed"),
    "its contact is loose": ([(FaultKind.CONTACT_FLAPS, 30, 90)], 60, None),
    "nothing comes from the village": ([(FaultKind.LINK_CUT, 30, 90)], 60, None),
}


@pytest.mark.parametrize("name", REPORTED)
def test_what_devices_report_be_it_so_or_not(tmp_path: Path, name: str) -> None:
    faults, at, state = REPORTED[name]
    simulated = village(tmp_path)
    laid = [Fault(kind, begin * MINUTE, end * MINUTE, CODE) for kind, begin, end in faults]
    gate = next(each for each in simulated.facilities if each.id == "gerbang")
    assert Condition(Scene(simulated, laid, 1, 0), gate).reported(at * MINUTE + 1_000) == state
