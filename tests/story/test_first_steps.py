"""From the first page to the message of a failure on a phone and the closed alert, by the pages alone.

A phone of 360 px without JavaScript, in Indonesian; a device that speaks MQTT to siaga's own broker; and a stand-in for
the service that brings messages to a phone.
"""

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from playwright.sync_api import Page

from tests.story.system import System
from tests.wait import PATIENCE, until
from tests.web.kampung import chromium

VILLAGE = "35.10.15.2012"
PASSWORD = "tukang bakso lewat"
TEN_MINUTES = 600.0
"""What it may take a new user. This one reads and types in no time, so the test says only what the machine takes."""


class Phone:
    """What reaches the phone: the messages that a web hook was given."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        messages = self.messages

        class Hook(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                messages.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base
                """Say nothing."""

        self._server = HTTPServer(("127.0.0.1", 0), Hook)
        self.address = f"http://127.0.0.1:{self._server.server_port}/gangguan"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def has(self, word: str) -> bool:
        """Whether a message with a word has come."""
        return any(word in f"{one['title']} {one['message']}" for one in self.messages)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(PATIENCE)


@contextmanager
def device(port: int) -> Iterator[paho.Client]:
    """A device with siaga's own firmware."""
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="gerbang-1")
    client.connect("127.0.0.1", port)
    client.loop_start()
    yield client
    client.disconnect()
    client.loop_stop()


def says(client: paho.Client, *, is_open: bool) -> None:
    """The device tells how its gate stands."""
    pack = json.dumps([{"n": "pintu", "vb": is_open}, {"n": "battery", "u": "%EL", "v": 88}])
    client.publish(f"siaga/v1/{VILLAGE}/gerbang-1/senml", pack, qos=1).wait_for_publish(PATIENCE)


@pytest.fixture
def phone() -> Iterator[Phone]:
    """A phone that gets messages."""
    found = Phone()
    yield found
    found.close()


def press(page: Page, name: str) -> None:
    """Press a button of the page's content."""
    page.get_by_role("main").get_by_role("button", name=name, exact=True).click()


def follow(page: Page, name: str) -> None:
    """Follow a link of the page's content."""
    page.get_by_role("main").get_by_role("link", name=re.compile(name)).first.click()


def test_by_the_pages_alone(tmp_path: Path, phone: Phone) -> None:
    began = time.monotonic()
    with System(tmp_path, None) as system, chromium() as browser, device(system.mqtt_port) as gate:
        context = browser.new_context(
            viewport={"width": 360, "height": 640},
            locale="id-ID",
            java_script_enabled=False,
            base_url=str(system.client.base_url),
        )
        page = context.new_page()
        link = re.search(r"http://\S+/welcome/\S+", system.log.read_text())
        assert link is not None, "the first admin's link stands in the log"
        page.goto(link[0])
        page.get_by_label("Kata sandi baru").fill(PASSWORD)
        page.get_by_label("Sekali lagi").fill(PASSWORD)
        press(page, "Simpan dan masuk")

        # The village
        follow(page, "Mulai mengatur")
        assert f"broker MQTT 127.0.0.1:{system.mqtt_port}" in page.get_by_role("main").inner_text()
        follow(page, "Tambahkan desa")
        page.get_by_label("Kode").fill(VILLAGE)
        page.get_by_label("Nama").fill("Kampunganyar")
        page.get_by_label("Lintang").fill("-8,19")
        page.get_by_label("Bujur").fill("114,30")
        press(page, "Simpan")
        assert "Kampunganyar: disimpan" in page.get_by_role("status").inner_text()

        # The device, as it is heard
        def is_listed() -> bool:
            says(gate, is_open=True)
            page.goto("/setup")
            follow(page, "Hubungkan perangkat")
            return page.get_by_role("button", name="Daftarkan gerbang-1").is_visible()

        until(is_listed, what="the device is listed as unknown")

        # So is one of another family, which is proposed as what its name says
        def is_heard() -> bool:
            gate.publish("tele/lampu-teras/STATE", '{"POWER":"ON","Wifi":{"Signal":-61}}').wait_for_publish(PATIENCE)
            page.goto("/setup/unknown")
            return page.get_by_role("button", name="Daftarkan lampu-teras").is_visible()

        until(is_heard, what="the Tasmota lamp is listed as unknown")
        press(page, "Daftarkan lampu-teras")
        assert "lampu-teras terdaftar di Kampunganyar" in page.get_by_role("status").inner_text()
        assert page.get_by_role("link", name="Penerangan kantor di malam hari").first.is_visible()
        page.goto("/setup/unknown")
        press(page, "Daftarkan gerbang-1")
        assert "gerbang-1 terdaftar di Kampunganyar" in page.get_by_role("status").inner_text()
        follow(page, "Gerbang terbuka 24 jam")
        page.get_by_label("Nama", exact=True).fill("Gerbang kantor desa")
        press(page, "Simpan")

        # The way to a phone
        page.goto("/setup")
        follow(page, "Tambahkan saluran")
        page.get_by_label("Alamat saluran").fill(phone.address)
        press(page, "Tambah saluran")
        press(page, "Kirim percobaan lewat admin/web")
        assert "admin/web: pesan diterima penyedia" in page.get_by_role("status").inner_text()
        assert len(phone.messages) == 1
        page.get_by_label("Kumpulkan peringatan satu desa selama").fill("0s")
        press(page, "Simpan")

        # It works
        def is_met() -> bool:
            says(gate, is_open=True)
            return bool(system.facility(f"{VILLAGE}/gate")["state"] == "met")

        until(is_met, timeout=60, what="the gate is met")
        page.goto("/setup")
        follow(page, "Coba: mulai uji coba")
        press(page, "Mulai uji coba")
        assert "peringatan dibuat setelah 10s" in page.get_by_role("main").inner_text()

        # It fails, somebody goes, and it is over
        says(gate, is_open=False)
        until(lambda: phone.has("Gerbang kantor desa"), timeout=60, what="the message of the failure is on the phone")
        page.goto("/alerts")
        page.locator("[data-alert] button.take").click()
        assert page.locator("[data-alert]").get_attribute("data-state") == "taken"
        says(gate, is_open=True)
        until(lambda: phone.has("Pulih"), timeout=60, what="the message that it is over is on the phone")
        page.goto("/alerts")
        assert page.get_by_role("heading", name=re.compile("Baru saja selesai")).count() >= 1
        assert system.client.get("/api/v1/alerts", params={"open": "true"}).json()["items"] == []
        page.goto(f"/setup/sites/{VILLAGE}/facilities/gate")
        press(page, "Akhiri uji coba")
        page.goto("/setup")
        assert page.get_by_role("heading", name="Langkah pertama").count() == 0, "all steps are done"
        context.close()
    assert time.monotonic() - began < TEN_MINUTES
