"""`siaga verify` in real time: devices of every family on a real broker, everything going wrong within a minute."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import yaml

from firmware_sim.villages import Made, sites_of
from tests.servers import Mosquitto, free_port
from tests.story.system import SIAGA, System
from tests.story.test_scenarios import printed_by, verify

FAULTS = """
title: Everything at once
lasts: 36s
seed: 3
sites: sites.yaml
faults:
  - {at: 15s, for: 12s, village: "35.10.61.2001", facility: gerbang, fault: gate_closed}
  - {at: 15s, for: 12s, village: "35.10.61.2002", facility: wifi, fault: captive_portal}
  - {at: 15s, for: 12s, village: "35.10.61.2003", fault: mains_cut}
  - {at: 16s, for: 12s, village: "35.10.61.2004", facility: gerbang, fault: gate_closed}
  - {at: 14s, for: 4s, village: "35.10.61.2004", fault: hostile_device}
  - {at: 15s, for: 10s, village: "35.10.61.2005", facility: gerbang, fault: contact_flaps}
  - {at: 12s, for: 14s, village: "35.10.61.2005", fault: link_slow}
  - {at: 14s, for: 8s, village: "35.10.61.2006", device: gerbang-1, fault: device_hang}
  - {at: 27s, for: 2s, village: "35.10.61.2006", fault: broker_restart}
  - {at: 15s, for: 60s, village: "35.10.61.2001", device: listrik-1, fault: clock_1970}
  - {at: 14s, for: 14s, village: "35.10.62.2001", fault: link_cut}
  - {at: 16s, for: 6s, village: "35.10.62.2001", facility: gerbang, fault: gate_closed}
  - {at: 14s, for: 20s, village: "35.10.62.2002", fault: duplicates}
  - {at: 14s, for: 20s, village: "35.10.62.2002", fault: reordering}
  - {at: 16s, for: 12s, village: "35.10.62.2002", facility: wifi, fault: password_set}
"""


def written(directory: Path) -> str:
    """The scenario beside its sites file; the sites, for siaga."""
    quick = Made(count=6, district="35.10.61", every="2s", grace="4s", recovery="3s")
    direct = sites_of(quick)
    remote = sites_of(replace(quick, count=2, district="35.10.62", remote=True, offline_after="5s"))
    villages = [village for some in (direct, remote) for village in yaml.safe_load(yaml.safe_dump(some))["villages"]]
    sites = yaml.safe_dump({"villages": villages}, sort_keys=False)
    (directory / "everything.yaml").write_text(FAULTS)
    (directory / "sites.yaml").write_text(sites)
    return sites


def test_a_live_run_agrees_and_a_truth_that_was_falsified_does_not(tmp_path: Path, mosquitto: Mosquitto) -> None:
    truth = tmp_path / "truth.jsonl"
    with System(tmp_path, written(tmp_path), SIAGA_MQTT_URL=mosquitto.url) as system:
        live = verify(
            *(system, str(tmp_path / "everything.yaml"), "--mqtt-url", mosquitto.url, "--truth", str(truth)),
            *("--json", "--settle", "20s"),
        )
        figures = json.loads(printed_by(live, 0))
        assert figures["live"] is True
        assert figures["alerts"]["due"] >= 4
        assert figures["alerts"]["delay_p99_s"] < 5
        assert figures["readings"]["said"] > 1_000
        assert figures["refused"]["35.10.61.2004"] > 0

        # had the gate of this village stood open, siaga's alert would be false and its timeline wrong
        lines = [json.loads(line) for line in truth.read_text().splitlines()]
        gate = {"village": "35.10.61.2001", "facility": "gerbang"}
        for line in lines:
            if line["type"] == "span" and gate.items() <= line.items():
                line.update(state="met", cause=None)
        truth.write_text("".join(json.dumps(line) + "\n" for line in lines))
        table = printed_by(verify(system, "--truth", str(truth), "--settle", "0s"), 1)
        assert "false: facility_failed of 35.10.61.2001/gerbang" in table
        assert "DIFFERS" in table


FAST = """
title: Ten minutes in fifteen seconds
lasts: 10m
seed: 5
villages: {generate: 4, district: "35.10.63", every: 20s, grace: 40s, recovery: 20s}
faults:
  - {at: 2m, for: 3m, village: "35.10.63.2001", facility: gerbang, fault: gate_closed}
  - {at: 2m, for: 3m, village: "35.10.63.2002", facility: wifi, fault: captive_portal}
  - {at: 3m, for: 4m, village: "35.10.63.2003", fault: mains_cut}
  - {at: 3m, for: 4m, village: "35.10.63.2004", device: gerbang-1, fault: device_hang}
  - {at: end-3m, for: 1h, village: "35.10.63.2004", facility: gerbang, fault: gate_closed}
"""


def test_on_a_clock_that_runs_faster_a_siaga_of_its_own_is_asked(tmp_path: Path) -> None:
    scenario, truth = tmp_path / "fast.yaml", tmp_path / "truth.jsonl"
    scenario.write_text(FAST)
    done = subprocess.run(
        [str(SIAGA), "verify", str(scenario), "--speed", "20", "--json", "--truth", str(truth), "--settle", "40s"],
        env={"PATH": "", "SIAGA_STORE_URL": "influxdb://nobody:may@127.0.0.1:1/-/touch-it"},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, (done.stdout[-6000:], done.stderr[-3000:])
    figures = json.loads(done.stdout)
    assert figures["live"] is True
    assert figures["end"] - figures["start"] == 600
    assert figures["alerts"]["due"] >= 3
    assert (figures["readings"]["lost"], figures["readings"]["doubled"]) == (0, 0)
    assert figures["availability"]["failed_s"] > 400


def test_a_siaga_that_is_not_there_is_said_in_a_sentence() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    done = subprocess.run(
        [str(SIAGA), "verify", "quiet-day", "--url", url], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 1
    assert f"{url} does not answer" in done.stderr
    assert "Traceback" not in done.stderr
