"""Every scenario of the library through a running siaga, as if it ended now: what it says then is what was so.

One siaga for all of them: each has villages of its own, so one village's troubles do not reach another's figures.
"""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from firmware_sim.scenario import library, load
from tests.servers import Mosquitto
from tests.story.system import SIAGA, System


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


@pytest.mark.parametrize("name", library())
def test_a_scenario_of_the_library_agrees(district: tuple[System, Mosquitto], name: str, tmp_path: Path) -> None:
    system, broker = district
    truth = tmp_path / "truth.jsonl"
    said = verify(system, name, "--past", "--json", "--mqtt-url", broker.url, "--truth", str(truth))
    figures = json.loads(said)
    assert figures["agrees"] is True
    assert (figures["readings"]["lost"], figures["readings"]["doubled"]) == (0, 0)
    assert (figures["alerts"]["missed"], figures["alerts"]["false"]) == ([], [])
    assert figures["readings"]["said"] > 3_000
    assert figures["availability"]["wrong_s"] <= figures["availability"]["allowed_s"]
    assert figures["availability"]["facilities"] == len(figures["facilities"]) >= 15
    if name != "quiet-day":
        assert figures["alerts"]["due"] >= 1, "what still fails at the end pages somebody"
        assert sum(each["failed"] for each in figures["facilities"]) > 1_000


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
