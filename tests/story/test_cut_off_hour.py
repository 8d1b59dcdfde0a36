"""A gateway cut off from the centre for an hour: first not known, then corrected, and nobody paged about the past."""

import time
from pathlib import Path

from tests.servers import Mosquitto
from tests.story.player import GatewayPlayer, Record
from tests.story.system import System, rfc3339, unix
from tests.wait import until

VILLAGE = "35.10.16.2003"
GATE, WIFI = f"{VILLAGE}/gerbang", f"{VILLAGE}/wifi"
SITES = f"""
villages:
  - code: "{VILLAGE}"
    name: Tamansuruh
    lat: -8.2
    lon: 114.31
    timezone: Asia/Jakarta
    gateway: remote
    offline_after: 4s
    facilities:
      - id: gerbang
        kind: gate
        name: Gerbang
        grace: 5s
        devices: [{{id: gerbang-1, adapter: senml, every: 1m}}]
      - id: wifi
        kind: free_wifi
        name: Wi-Fi balai desa
        grace: 5s
        devices: [{{id: ap-1, adapter: senml, every: 1m}}]
"""
HOUR = 3600


def readings(start: int, end: int, closed: range = range(0)) -> list[Record]:
    """What the village's gateway buffers in `[start, end)`: heartbeats, a gate that is shut in `closed`, Wi-Fi."""
    found: list[Record] = [("gw-desa/alive", t, True) for t in range(start, end, 30)]
    for t in range(start, end, 60):
        found.append(("gerbang-1/gate_open", t, t not in closed))
        found += [(f"ap-1/{signal}", t, True) for signal in ("wifi_up", "wifi_open", "internet")]
    return found


def in_batches(records: list[Record]) -> list[list[Record]]:
    """In order of time, a hundred records each, as a simple gateway replays its buffer."""
    ordered = sorted(records, key=lambda record: record[1])
    return [ordered[at : at + 100] for at in range(0, len(ordered), 100)]


def test_an_hour_without_a_link_is_corrected_and_pages_nobody(tmp_path: Path, mosquitto: Mosquitto) -> None:
    with System(tmp_path, SITES, SIAGA_MQTT_URL=mosquitto.url) as system:
        now = int(time.time()) // 60 * 60
        cut, back = now - HOUR, now
        closed = range(cut + 600, cut + 1200)
        window = {"from": rfc3339(cut + 120), "to": rfc3339(back)}

        with GatewayPlayer(mosquitto.port, VILLAGE) as gateway:
            first = [gateway.send(part, sent=cut) for part in in_batches(readings(cut - HOUR, cut))]
            until(lambda: gateway.is_acknowledged(first), what="the time before the cut is stored")
            until(lambda: system.items("/alerts", kind="village_offline", open="true"), what="the village is offline")
            link = next(v for v in system.items("/villages") if v["code"] == VILLAGE)["link"]
            assert link["state"] == "offline"

            spans = system.get(f"/facilities/{GATE}/timeline", **window)["spans"]
            assert [(s["state"], s["cause"]) for s in spans] == [("unknown", "village_offline")]
            [before] = system.items("/availability", facility=GATE, **window)
            assert before["unknown_s"] == back - cut - 120
            assert before["coverage"] == 0

            seqs = [gateway.send(part, sent=back) for part in in_batches(readings(cut, back, closed))]
            live = int(time.time())
            seqs.append(gateway.send(readings(live, live + 1), sent=live))
            until(lambda: gateway.is_acknowledged(seqs), what="the hour is stored")
            until(lambda: not system.items("/alerts", kind="village_offline", open="true"), what="the village is back")

            def corrected() -> bool:
                found = system.get(f"/facilities/{GATE}/timeline", **window)["spans"]
                return [(unix(s["start"]), unix(s["end"]), s["state"]) for s in found] == [
                    (cut + 120, closed.start, "met"),
                    (closed.start, closed.stop, "failed"),
                    (closed.stop, back, "met"),
                ]

            until(corrected, what="the hour is corrected")
            [after] = system.items("/availability", facility=GATE, **window)
            assert (after["failed_s"], after["unknown_s"], after["coverage"]) == (600, 0, 1)

        alerts = system.items("/alerts", village=VILLAGE)
        assert {alert["kind"] for alert in alerts} == {"village_offline"}
