"""Every scenario of the library through a running siaga, as if it ended now: what it says then is what was so.

One siaga for all of them, and side by side: each has villages of its own, so one village's troubles do not reach
another's figures.
"""

import json
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from firmware_sim.scenario import library, load
from tests.servers import Mosquitto
from tests.story.system import SIAGA, System

ONE_LOOK = 2
"""Seconds in which a device that comes back says one thing after the other."""
BY_EVENTS = {"night_guard", "toilet", "lactation_room"}
"""The kinds of facility that are judged by what people do from time to time."""
SAID = {"stuck-gate": [6, 3]}
"""By scenario how many complaints there are, and how many contradict the sensors: the alert is then due."""
AT_A_TIME = 3
"""Scenarios that are played at a time: what one waits for, the others use."""


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[System, Mosquitto]]:
    villages = [village for name in library() for village in yaml.safe_load(load(name).sites_yaml)["villages"]]
    directory = tmp_path_factory.mktemp("district")
    sites = yaml.safe_dump({"villages": villages})
    with Mosquitto() as broker, System(directory, sites, SIAGA_MQTT_URL=broker.url) as system:
        yield system, broker


def verify(system: System, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`siaga verify`, ended."""
    token = system.client.headers["Authorization"].removeprefix("Bearer ")
    return subprocess.run(
        [str(SIAGA), "verify", *arguments, "--url", f"http://127.0.0.1:{system.port}"],
        env={**system.environment, "SIAGA_TOKEN": token},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def printed_by(done: subprocess.CompletedProcess[str], status: int) -> str:
    """What it printed; it must have ended with this status."""
    assert done.returncode == status, (done.stdout, done.stderr)
    return done.stdout + done.stderr


def test_every_scenario_of_the_library_agrees(district: tuple[System, Mosquitto], tmp_path: Path) -> None:
    system, broker = district

    def play(name: str) -> list[str]:
        truth = ("--truth", str(tmp_path / f"{name}.jsonl"))
        done = verify(system, name, "--past", "--json", "--mqtt-url", broker.url, *truth)
        return list(differences(name, done)) or ([] if done.returncode == 0 else [f"{name}: ended {done.returncode}"])

    with ThreadPoolExecutor(AT_A_TIME) as pool:
        not_so = [said for some in pool.map(play, library()) for said in some]
    assert not not_so, "\n".join(not_so)


def differences(name: str, done: subprocess.CompletedProcess[str]) -> Iterator[str]:
    """What is not as it must be in the comparison of a scenario, with the figures that say so."""
    if not done.stdout:
        yield f"{name}: {done.stderr}"
        return
    figures = json.loads(done.stdout)
    facilities, readings, alerts = figures["facilities"], figures["readings"], figures["alerts"]
    complaints = [figures["complaints"][each] for each in ("made", "contradicting")]
    quiet = name == "quiet-day"
    failed = sum(each["failed"] for each in facilities)
    checks = {
        "the timelines agree": [each for each in facilities if not each["agrees"]],
        "within an interval per transition": [
            each for each in facilities if not within_an_interval(each["kind"], each)
        ],
        "no reading is lost or doubled": readings["wrong"],
        "no alert is missed": alerts["missed"],
        "no alert is false": alerts["false"],
        "what was refused is counted": [village for village, count in figures["refused"].items() if not count],
        "it says that it agrees": [] if figures["agrees"] else figures["agrees"],
        "there is much to store": [] if readings["said"] > 3_000 else readings["said"],
        "all facilities": [] if figures["availability"]["facilities"] == len(facilities) >= 15 else len(facilities),
        "what still fails at the end pages somebody": [] if quiet or alerts["due"] >= 1 else alerts["due"],
        "citizens contradict the stuck gate alone": [] if complaints == SAID.get(name, [0, 0]) else complaints,
        "something fails": [] if quiet or failed > 1_000 else failed,
    }
    yield from (f"{name}: not so: {what}: {found}" for what, found in checks.items() if found != [])


def within_an_interval(kind: str, figures: dict[str, float]) -> bool:
    """Whether siaga's timeline is no further from what was so, known or not, than a report for each of its changes.

    Where silence is a failure, a press that a lost card took with it is one for hours: `agrees` tells if it was that.
    """
    held = 0 if kind in BY_EVENTS else figures["held"]
    return figures["wrong"] + held <= figures["interval"] * figures["transitions"] + ONE_LOOK


def test_a_siaga_that_does_not_know_the_villages_is_told_how_to_get_them(
    district: tuple[System, Mosquitto], tmp_path: Path
) -> None:
    system, _ = district
    scenario = tmp_path / "lain.yaml"
    scenario.write_text('title: t\nlasts: 1m\nvillages: {generate: 1, district: "35.10.99"}\n')
    said = printed_by(verify(system, str(scenario)), 1)
    assert "does not know 35.10.99.2001/gerbang" in said
    assert "--print-sites" in said
    printed = yaml.safe_load(printed_by(verify(system, str(scenario), "--print-sites"), 0))
    assert printed["villages"][0]["code"] == "35.10.99.2001"
    refused = printed_by(verify(system, str(scenario), "--token", "siaga_wrong"), 1)
    assert "does not take the token" in refused
    assert "siaga token create --role viewer" in refused
