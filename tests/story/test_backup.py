"""A backup is made while siaga runs, restored elsewhere after the machine is lost, and compared answer by answer."""

import io
import subprocess
import time
from pathlib import Path
from typing import Any

from PIL import Image

from tests.story.player import GatewayPlayer, Record
from tests.story.system import SIAGA, System, rfc3339
from tests.wait import until

VILLAGE = "35.10.15.2012"
GATE = f"{VILLAGE}/gerbang"
SITES = f"""
villages:
  - code: "{VILLAGE}"
    name: Kampunganyar
    lat: -8.19
    lon: 114.30
    timezone: Asia/Jakarta
    gateway: remote
    offline_after: 1h
    facilities:
      - {{id: gerbang, kind: gate, name: Gerbang, grace: 5s, devices: [{{id: g-1, adapter: senml, every: 1m}}]}}
"""
HOUR = 3600


def readings(start: int, end: int, closed: range = range(0)) -> list[Record]:
    found: list[Record] = [("gw-desa/alive", t, True) for t in range(start, end, 30)]
    return found + [("g-1/gate_open", t, t not in closed) for t in range(start, end, 60)]


def command(system: System, *arguments: str) -> str:
    done = subprocess.run(
        [str(SIAGA), *arguments],
        env=system.environment,
        cwd=system.directory,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def answers(system: System, start: int, end: int) -> dict[str, Any]:
    """Returns all that siaga says of the time before the backup."""
    window = {"from": rfc3339(start), "to": rfc3339(end)}
    [attested] = system.items("/attestations", village=VILLAGE)
    [issued] = system.items("/reports")
    return {
        "villages": [(each["code"], each["name"], each["timezone"]) for each in system.items("/villages")],
        "timeline": system.get(f"/facilities/{GATE}/timeline", **window),
        "availability": system.items("/availability", facility=GATE, **window),
        "series": system.items(f"/series/{VILLAGE}/g-1/gate_open", step="1m", **window),
        "alerts": [{**alert, "evidence": None} for alert in system.items("/alerts", open="false")],
        "maintenance": system.items("/maintenance"),
        "attestation": attested,
        "photo": system.client.get(f"/api/v1/attestations/{attested['id']}/photos/1").content,
        "report": issued,
        "files": [
            system.client.get(f"/api/v1/reports/{issued['id']}/files/{form}").content
            for form in ("json", "csv", "xlsx", "pdf")
        ],
        "quarantine": system.items("/quarantine"),
    }


def photo() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 48), (20, 120, 60)).save(file, "JPEG")
    return file.getvalue()


def test_a_lost_machine_comes_back_as_it_was_and_hears_the_rest_from_the_store(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "new").mkdir()
    now = int(time.time()) // 60 * 60
    start, closed = now - 3 * HOUR, range(now - 2 * HOUR, now - 2 * HOUR + 900)
    window = {"from": rfc3339(start), "to": rfc3339(now)}
    file = tmp_path / "satu.siaga"

    with System(tmp_path / "old", SITES) as old:
        with GatewayPlayer(old.mqtt_port, VILLAGE) as gateway:
            seqs = [gateway.send(readings(start, now - HOUR, closed), sent=now - HOUR)]
            gateway.publish(b"not a batch")
            until(lambda: gateway.is_acknowledged(seqs), what="two hours are stored")
            seqs.append(gateway.send(readings(now - HOUR, now), sent=now))
            until(lambda: gateway.is_acknowledged(seqs), what="three hours are stored")
            until(
                lambda: (
                    [span["state"] for span in old.get(f"/facilities/{GATE}/timeline", **window)["spans"]]
                    == ["met", "failed", "met"]
                ),
                what="they are judged",
            )
            until(lambda: old.items("/quarantine"), what="the refused payload is there")
            end = rfc3339(now + HOUR)
            old.client.post(
                "/api/v1/maintenance",
                json={"village": VILLAGE, "start": rfc3339(now), "end": end, "reason": "Pengecatan"},
            ).raise_for_status()
            old.client.post(
                "/api/v1/attestations",
                data={"village": VILLAGE, "indicator": "trees", "met": "true", "date": time.strftime("%Y-%m-%d")},
                files={"photo": ("pohon.jpg", photo(), "image/jpeg")},
            ).raise_for_status()
            day = time.strftime("%Y-%m-%d", time.gmtime(now - 24 * HOUR))
            old.client.post("/api/v1/reports", json={"period": day}).raise_for_status()
            until(lambda: old.items("/reports"), timeout=60, what="the report is issued")

            said = command(old, "backup", str(file))
            assert "not in it: settings" in said
            before = answers(old, start, now)
        old.kill()

    new = System(tmp_path / "new", SITES)
    new.client.headers["Authorization"] = old.client.headers["Authorization"]
    assert "restored, as of" in command(new, "restore", str(file))
    with new:
        assert answers(new, start, now) == before, "the very same token reads the very same answers"
        with GatewayPlayer(new.mqtt_port, VILLAGE) as gateway:
            late = [gateway.send(readings(now, now + 1), sent=now)]
            until(lambda: gateway.is_acknowledged(late), what="it goes on")


def test_a_backup_is_made_while_readings_come_and_holds_each_that_was_acknowledged(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "new").mkdir()
    now = int(time.time()) // 60 * 60
    start = now - 6 * HOUR
    file = tmp_path / "satu.siaga"

    with System(tmp_path / "old", SITES) as old, GatewayPlayer(old.mqtt_port, VILLAGE) as gateway:
        parts = [readings(at, at + 600) for at in range(start, now, 600)]
        seqs = [gateway.send(part, sent=now) for part in parts[:12]]
        until(lambda: gateway.is_acknowledged(seqs), what="a part is stored")
        making = subprocess.Popen(
            [str(SIAGA), "backup", str(file)], env=old.environment, cwd=old.directory, stdout=subprocess.DEVNULL
        )
        more = [gateway.send(part, sent=now) for part in parts[12:]]
        assert making.wait(timeout=60) == 0
        until(lambda: gateway.is_acknowledged(more), what="the rest is stored")

    new = System(tmp_path / "new", SITES)
    new.client.headers["Authorization"] = old.client.headers["Authorization"]
    command(new, "restore", str(file))
    stored = {"from": rfc3339(start), "to": rfc3339(start + 12 * 600)}
    with new:
        until(
            lambda: (
                [
                    (span["state"], span["start"], span["end"])
                    for span in new.get(f"/facilities/{GATE}/timeline", **stored)["spans"]
                ]
                == [("met", stored["from"], stored["to"])]
            ),
            what="each reading that was acknowledged before is in it, and judged",
        )
