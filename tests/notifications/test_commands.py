"""`siaga notify` as a user meets it, and a whole `siaga up` that tells somebody of a closed gate."""

import json
import os
import subprocess
import time
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from tests.notifications.webhook import Webhook
from tests.story.system import SIAGA, System
from tests.wait import PATIENCE, until

VILLAGE = "35.10.15.2012"
SITES = f"""
villages:
  - code: "{VILLAGE}"
    name: Kampunganyar
    lat: -8.19
    lon: 114.30
    timezone: Asia/Jakarta
    facilities:
      - id: gerbang
        kind: gate
        name: Gerbang desa
        grace: 0s
        recovery: 0s
        devices: [{{id: kontak, adapter: senml, every: 5m}}]
"""


@pytest.fixture
def notify_file(tmp_path: Path, hook: Webhook) -> Path:
    path = tmp_path / "notify.yaml"
    path.write_text(f"""
gather: 0s
people:
  - name: ratih
    channels: {{web: "{hook.url("ratih")}"}}
  - name: joko
    language: en
    channels: {{web: "{hook.url("joko")}"}}
groups:
  - {{name: teknisi, people: [ratih, joko]}}
rules:
  - {{name: semua, tell: [teknisi]}}
""")
    path.chmod(0o600)
    return path


def siaga(directory: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SIAGA_")}
    return subprocess.run(
        [str(SIAGA), *arguments], cwd=directory, env=clean | environment, capture_output=True, text=True, timeout=240,
        check=False,
    )  # fmt: skip


def test_a_test_message_reaches_a_group_and_one_sentence_says_so(
    tmp_path: Path, notify_file: Path, hook: Webhook
) -> None:
    told = siaga(tmp_path, "notify", "test", "--to", "teknisi", SIAGA_NOTIFY=str(notify_file))
    assert (told.returncode, told.stdout, told.stderr) == (0, "ratih/web took it, joko/web took it.\n", "")
    assert [(post.to, post.title) for post in hook.taken()] == [
        ("ratih", "Siaga: pesan percobaan"),
        ("joko", "Siaga: test message"),
    ]


def test_a_test_message_that_is_not_taken_is_a_failure(tmp_path: Path, notify_file: Path, hook: Webhook) -> None:
    hook.answers["ratih"] = 401
    told = siaga(tmp_path, "notify", "test", "--to", "ratih", "--file", str(notify_file))
    assert (told.returncode, told.stdout, told.stderr) == (1, "ratih/web answered 401.\n", "")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["test", "--to", "wahyu"], "has no person or group 'wahyu': it has ratih, joko, teknisi"),
        (
            ["test", "--to", "ratih", "--file", "nowhere.yaml"],
            "nowhere.yaml: cannot be read: No such file or directory",
        ),
    ],
)
def test_what_cannot_be_right_is_a_sentence(
    tmp_path: Path, notify_file: Path, arguments: list[str], sentence: str
) -> None:
    told = siaga(tmp_path, "notify", *arguments, SIAGA_NOTIFY=str(notify_file))
    assert told.returncode == 2
    assert sentence in told.stderr
    assert "Traceback" not in told.stderr


def test_without_a_file_nothing_can_be_tried(tmp_path: Path) -> None:
    told = siaga(tmp_path, "notify", "test", "--to", "ratih")
    assert told.returncode == 2
    assert "SIAGA_NOTIFY is not set" in told.stderr


def test_a_file_with_a_mistake_stops_siaga_up_before_anything_starts(tmp_path: Path, notify_file: Path) -> None:
    notify_file.write_text(notify_file.read_text().replace("tell: [teknisi]", "tell: [tukang]"))
    told = siaga(tmp_path, "up", SIAGA_NOTIFY=str(notify_file))
    assert told.returncode == 2
    assert 'notify.yaml line 12: tell: "tukang" is not a person or group of this file' in told.stderr


def test_a_closed_gate_reaches_the_technicians_and_its_opening_too(
    tmp_path: Path, notify_file: Path, hook: Webhook
) -> None:
    with System(tmp_path, SITES, SIAGA_NOTIFY=str(notify_file)) as system:
        device = paho.Client(CallbackAPIVersion.VERSION2, client_id="kontak")
        device.connect("127.0.0.1", system.mqtt_port)
        device.loop_start()

        def report(*, is_open: bool) -> None:
            record = [{"n": "gate_open", "vb": is_open, "t": time.time()}]
            topic = f"siaga/v1/{VILLAGE}/kontak/senml"
            device.publish(topic, json.dumps(record), qos=1).wait_for_publish(PATIENCE)

        report(is_open=True)
        until(lambda: system.facility(f"{VILLAGE}/gerbang")["state"] == "met")
        report(is_open=False)
        until(lambda: hook.taken("ratih") and hook.taken("joko"), what="both are told")
        assert hook.taken("joko")[0].title == "Alert: Gerbang desa, Kampunganyar"
        report(is_open=True)
        until(lambda: len(hook.taken("ratih")) == 2, what="ratih hears of the end")
        assert hook.taken("ratih")[1].title == "Pulih: Gerbang desa, Kampunganyar"
        device.disconnect()
        device.loop_stop()
        until(lambda: "siaga_notifications_sent_total 4.0" in system.client.get("/metrics").text)
