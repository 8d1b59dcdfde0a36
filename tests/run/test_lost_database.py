"""An empty database beside a store with readings is not taken for a new siaga."""

from pathlib import Path

from siaga.model.observation import Point
from siaga.telemetry import open_store
from tests.run.test_cli import siaga
from tests.story.system import System

SITES = "villages: []\n"
READING = Point("35.10.15.2012", "gerbang", 1_796_000_000_000, 1_796_000_000_000, {"gate_open": True})


def stored(directory: Path) -> None:
    """Store a reading, as a siaga did whose database is gone."""
    (directory / "data").mkdir()
    store = open_store(f"duckdb:///{directory / 'data' / 'telemetry.duckdb'}")
    store.write([READING])
    store.close()


def test_it_refuses_to_start_and_says_what_helps(tmp_path: Path) -> None:
    stored(tmp_path)
    told = siaga(tmp_path, "up", "--mqtt-port", "0", "--http-port", "0")
    assert told.returncode == 1
    said = [line for line in told.stderr.splitlines() if line.startswith("siaga: ")]
    assert [line.startswith("siaga: the database is empty, and the telemetry store") for line in said] == [True]
    assert "siaga restore FILE" in told.stderr
    assert "SIAGA_NEW_DATABASE=true" in told.stderr
    assert "Traceback" not in told.stderr


def test_it_begins_anew_when_told_to_and_asks_no_more(tmp_path: Path) -> None:
    stored(tmp_path)
    with System(tmp_path, SITES, SIAGA_NEW_DATABASE="true"):
        pass
    with System(tmp_path, SITES):
        pass


def test_both_empty_is_a_new_siaga(tmp_path: Path) -> None:
    with System(tmp_path, SITES):
        pass
