"""The simulated past: batches of the contract's wire, the same again for the same seed, in agreement with the truth."""

import gzip
import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_sim.faults import Fault, FaultKind, random_faults
from firmware_sim.history import CHUNK, Batch, History
from firmware_sim.scene import Scene
from firmware_sim.truth import spans
from tests.firmware_sim.village import CODE, village

START = 1_767_225_600_000
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


def history(directory: Path, *faults: Fault, days: int = 2) -> History:
    scene = Scene(village(directory), faults, 5, START)
    return History(scene, "gw", start=START, end=START + days * DAY, every=5 * MINUTE, seed=5)


def decoded(batch: Batch) -> list[tuple[float, str, object]]:
    wire = json.loads(gzip.decompress(batch.payload))
    assert (wire["epoch"], wire["seq"]) == (batch.epoch, batch.seq)
    base = wire["senml"][0]["bt"]
    return [(base + record["t"], record["n"], record.get("vb", record.get("v"))) for record in wire["senml"]]


def test_batches_are_the_wire_s_and_the_same_when_made_again(tmp_path: Path) -> None:
    one, again = history(tmp_path), history(tmp_path)
    assert one.chunks == 2 * DAY // CHUNK
    for seq in range(1, one.chunks + 1):
        batch = one.batch(seq)
        assert batch == again.batch(seq)
        start, end = one.stretch(seq)
        records = decoded(batch)
        assert len(records) == batch.readings
        assert all(start / 1000 <= time < end / 1000 for time, _, _ in records)
        assert len(batch.payload) < 100_000


def test_each_batch_is_the_same_whichever_was_made_before(tmp_path: Path) -> None:
    forth = [history(tmp_path).batch(seq).payload for seq in (1, 2, 3)]
    whole = history(tmp_path)
    assert [whole.batch(seq).payload for seq in (3, 2, 1)] == forth[::-1]


def test_a_closed_gate_is_in_the_readings_from_within_a_second(tmp_path: Path) -> None:
    fault = Fault(FaultKind.GATE_CLOSED, START + 3 * HOUR, START + 4 * HOUR, CODE)
    past = history(tmp_path, fault)
    gate = [(time, value) for time, name, value in past.records(START, START + DAY) if name == "kontak/gate_open"]
    assert {value for time, value in gate if fault.start + 500 <= time < fault.end} == {False}
    assert {value for time, value in gate if not fault.start <= time < fault.end + 500} == {True}
    assert min(time for time, value in gate if not value) == fault.start + 500


def test_a_long_mains_cut_outlasts_the_gateway_s_ups(tmp_path: Path) -> None:
    fault = Fault(FaultKind.MAINS_CUT, START + 3 * HOUR, START + 6 * HOUR, CODE)
    records = history(tmp_path, fault).records(START, START + DAY)
    silent = [time for time, _, _ in records if START + 4 * HOUR <= time < START + 6 * HOUR]
    assert silent == []
    during = {name for time, name, _ in records if START + 3 * HOUR + MINUTE <= time < START + 4 * HOUR}
    assert "gw/alive" in during
    assert "ap/wifi_up" not in during
    assert (START + 3 * HOUR + 30_000, "ap/online", False) in records


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), hours=st.integers(1, 60))
def test_the_truth_has_no_gap_and_no_overlap(tmp_path_factory: pytest.TempPathFactory, seed: int, hours: int) -> None:
    simulated = village(tmp_path_factory.getbasetemp())
    end = START + hours * HOUR
    scene = Scene(simulated, random_faults(simulated, START, end, seed), seed, START)
    by_facility: dict[object, list[dict[str, object]]] = {}
    for span in spans(scene, START, end):
        by_facility.setdefault(span["facility"], []).append(span)
    assert set(by_facility) == {"gerbang", "wifi", "lampu", "jaga"}
    for some in by_facility.values():
        assert (some[0]["start"], some[-1]["end"]) == (START / 1000, end / 1000)
        for before, after in pairwise(some):
            assert before["end"] == after["start"]
            assert _so(before) != _so(after)


def _so(span: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in span.items() if name not in ("start", "end")}
