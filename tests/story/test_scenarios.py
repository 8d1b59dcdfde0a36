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
AT_A_TIME = 3
"""Scenarios that are played at a time: what one waits for, the others use."""


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[System, Mosquitto]]:
    villages = [village for name in library() for village in yaml.safe_load(load(name).sites_yaml)["villages"]]
    directory = tmp_path_factory.mktemp("district")
    sites = yaml.safe_dump({"villages": villages})
    with Mosquitto() as broker, System(directory, sites, SIAGA_MQTT_URL=broker.url) as system:
        yield system, broker


def verify(system: System, *arguments: str, status: int = 0) -> str:
    """What `siaga verify` prints; it must end with this status."""
    token = system.client.headers["Authorization"].removeprefix("Bearer ")
    done = subprocess.run(
        [str(SIAGA), "verify", *arguments, "--url", f"http://127.0.0.1:{system.port}"],
        env={**system.environment, "SIAGA_TOKEN": token},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == status, (done.stdout[-6000:], done.stderr[-3000:])
    return done.stdout + done.stderr


def test_every_scenario_of_the_library_agrees(district: tuple[System, Mosquitto], tmp_path: Path) -> None:
    system, broker = district

    def play(name: str) -> list[str]:
        truth = ("--truth", str(tmp_path / f"{name}.jsonl"))
        return list(differences(name, verify(system, name, "--past", "--json", "--mqtt-url", broker.url, *truth)))

    with ThreadPoolExecutor(AT_A_TIME) as pool:
        assert [said for some in pool.map(play, library()) for said in some] == []


def differences(name: str, said: str) -> Iterator[str]:
    """What is not as it must be in the comparison of a scenario."""
    figures = json.loads(said)
    readings, alerts, availability = figures["readings"], figures["alerts"], figures["availability"]
    quiet = name == "quiet-day"
    checks = {
        "agrees": figures["agrees"],
        "no reading is lost or doubled": (readings["lost"], readings["doubled"]) == (0, 0),
        "no alert is missed or false": (alerts["missed"], alerts["false"]) == ([], []),
        "there is much to store": readings["said"] > 3_000,
        "within an interval per transition": all(within_an_interval(each) for each in figures["facilities"]),
        "all facilities": availability["facilities"] == len(figures["facilities"]) >= 15,
        "what still fails at the end pages somebody": quiet or alerts["due"] >= 1,
        "something fails": quiet or sum(each["failed"] for each in figures["facilities"]) > 1_000,
    }
    yield from (f"{name}: not so: {what}" for what, is_so in checks.items() if not is_so)


def within_an_interval(facility: dict[str, float]) -> bool:
    """Whether siaga's timeline is no further from what was so, known or not, than a report for each of its changes."""
    return facility["wrong"] + facility["held"] <= facility["interval"] * facility["transitions"] + ONE_LOOK


def test_a_siaga_that_does_not_know_the_villages_is_told_how_to_get_them(
    district: tuple[System, Mosquitto], tmp_path: Path
) -> None:
    system, _ = district
    scenario = tmp_path / "lain.yaml"
    scenario.write_text('title: t\nlasts: 1m\nvillages: {generate: 1, district: "35.10.99"}\n')
    said = verify(system, str(scenario), status=1)
    assert "does not know 35.10.99.2001/gerbang" in said
    assert "--print-sites" in said
    printed = yaml.safe_load(verify(system, str(scenario), "--print-sites"))
    assert printed["villages"][0]["code"] == "35.10.99.2001"
    refused = verify(system, str(scenario), "--token", "siaga_wrong", status=1)
    assert "does not take the token" in refused
    assert "siaga token create --role viewer" in refused
