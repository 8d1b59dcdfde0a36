"""Whatever is thrown at it: counted, in the quarantine with one clear reason, and nothing else is disturbed."""

import gzip
import json
import time
import uuid
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from tests.servers import Mosquitto
from tests.story.player import GatewayPlayer
from tests.story.system import System
from tests.wait import PATIENCE, until

OWN, REMOTE = "35.10.15.2012", "35.10.15.2013"
SITES = f"""
villages:
  - code: "{OWN}"
    name: Kampunganyar
    lat: -8.19
    lon: 114.30
    timezone: Asia/Jakarta
    facilities:
      - id: gerbang
        kind: gate
        name: Gerbang
        devices:
          - {{id: gerbang-1, adapter: tasmota, address: pintu-1, every: 1m, map: {{Switch1: gate_open}}}}
          - {{id: gerbang-2, adapter: senml, every: 10m}}
  - code: "{REMOTE}"
    name: Tamansuruh
    lat: -8.2
    lon: 114.31
    timezone: Asia/Jakarta
    gateway: remote
    facilities:
      - {{id: gerbang, kind: gate, name: Gerbang, devices: [{{id: kontak, adapter: senml, every: 10m}}]}}
"""


def envelope(senml: object, **other: object) -> bytes:
    return json.dumps({"epoch": str(uuid.uuid4()), "seq": 1, "sent": time.time(), "senml": senml, **other}).encode()


BATCH = f"siaga/v1/{REMOTE}/gateway/gw-desa/batch"
GOOD = [{"n": "kontak/gate_open", "t": time.time(), "vb": True}]
HOSTILE: list[tuple[str, str, bytes]] = [
    ("native, not UTF-8", "tele/pintu-1/SENSOR", b'{"Time":"2026\xf5\x02"}'),
    ("native, cut off", "tele/pintu-1/SENSOR", b'{"Time":"2026-01-01T00:00:00","Switch1":"ON"'),
    ("native, 65 kB", "tele/pintu-1/SENSOR", b'{"Switch1":"ON","x":"' + b"a" * 65_000 + b'"}'),
    ("native, 1 MB", "tele/pintu-1/SENSOR", b"[" * 1_048_576),
    ("native, a word for a value", "tele/pintu-1/SENSOR", b'{"Switch1":"mungkin"}'),
    ("pack, deep nesting", f"siaga/v1/{OWN}/gerbang-2/senml", b"[" * 20_000),
    ("pack, NaN", f"siaga/v1/{OWN}/gerbang-2/senml", b'[{"n":"battery","v":NaN}]'),
    ("pack, wrong type", f"siaga/v1/{OWN}/gerbang-2/senml", b'[{"n":"gate_open","vs":"ya"}]'),
    ("pack, label that must be understood", f"siaga/v1/{OWN}/gerbang-2/senml", b'[{"n":"gate_open","vb":true,"x_":1}]'),
    ("status, a word that is none", f"siaga/v1/{OWN}/gerbang-2/status", b"mati suri"),
    ("unknown device", f"siaga/v1/{OWN}/hantu/senml", b'[{"n":"gate_open","vb":true}]'),
    ("unknown village", "siaga/v1/99.99.99.9999/x/senml", b'[{"n":"gate_open","vb":true}]'),
    ("batch, not JSON", BATCH, b"batch"),
    ("batch, not UTF-8", BATCH, b'{"epoch":"\xff"}'),
    ("batch, deep nesting", BATCH, b'{"senml":' + b"[" * 100_000),
    ("batch, 1.1 MB", BATCH, b" " * 1_100_000),
    ("batch, bomb", BATCH, gzip.compress(b" " * 40_000_000, 1)),
    ("batch, NaN", BATCH, envelope([]).replace(b"[]", b'[{"n":"kontak/gate_open","t":1.0,"v":NaN}]')),
    ("batch, wrong type", BATCH, envelope([{"n": "kontak/gate_open", "t": time.time(), "v": 17}])),
    ("batch, no epoch", BATCH, envelope(GOOD, epoch="kemarin")),
    ("batch, negative seq", BATCH, envelope(GOOD, seq=-1)),
    (
        "batch, a device of another village",
        BATCH,
        envelope([{"n": "gerbang-2/gate_open", "t": time.time(), "vb": True}]),
    ),
    ("batch, an unknown village", "siaga/v1/99.99.99.9999/gateway/gw/batch", envelope(GOOD)),
]


def test_hostile_input_is_counted_and_disturbs_nothing(tmp_path: Path, mosquitto: Mosquitto) -> None:
    with System(tmp_path, SITES, SIAGA_MQTT_URL=mosquitto.url) as system:
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id="penyerang")
        client.connect("127.0.0.1", mosquitto.port)
        client.loop_start()
        client.publish(f"siaga/v1/{OWN}/gerbang-2/senml", b'[{"n":"gate_open","vb":true}]', qos=1)
        for _, topic, payload in HOSTILE:
            client.publish(topic, payload, qos=1).wait_for_publish(PATIENCE)

        def listed() -> list[str]:
            found = [(item["topic"], item["reason"]) for item in system.items("/quarantine")]
            return [name for name, topic, _ in HOSTILE if not any(topic == seen for seen, _ in found)]

        until(lambda: not listed(), what="every topic that was abused is in the quarantine")
        until(
            lambda: len(system.items("/quarantine")) >= len(HOSTILE),
            what=f"{len(HOSTILE)} refusals, one item each: {[i['reason'] for i in system.items('/quarantine')]}",
        )
        for item in system.items("/quarantine"):
            assert item["reason"]
            assert "Traceback" not in item["reason"]
            assert len(item["bytes"]) < 2000
        assert system.metric("siaga_refused_total") >= len(HOSTILE)

        # the neighbours live
        with GatewayPlayer(mosquitto.port, REMOTE) as gateway:
            now = time.time()
            seq = gateway.send([("gw-desa/alive", now, True), ("kontak/gate_open", now, True)], sent=now)
            until(lambda: gateway.is_acknowledged([seq]), what="a good batch is acknowledged")
        until(lambda: system.facility(f"{REMOTE}/gerbang")["state"] == "met", what="the remote gate is met")
        assert system.facility(f"{OWN}/gerbang")["state"] == "met"
        client.disconnect()
        client.loop_stop()


def test_the_quarantine_can_be_asked_for_one_village(tmp_path: Path, mosquitto: Mosquitto) -> None:
    with System(tmp_path, SITES, SIAGA_MQTT_URL=mosquitto.url) as system:
        with GatewayPlayer(mosquitto.port, REMOTE) as gateway:
            gateway.publish(b"bukan batch")
            until(lambda: system.items("/quarantine", village=REMOTE), what="it is in the quarantine")
        assert system.items("/quarantine", village=OWN) == []
