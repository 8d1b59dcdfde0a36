"""Make the pictures of the README and the guides: `python -m scripts.pictures`.

Starts `siaga up --demo` in a directory of its own, waits until its history is stored and judged, and takes the pictures
with Debian's Chromium. Takes some minutes; nothing is left running.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
PATIENCE = 600.0
"""Seconds until the demo's history has to be there."""
PHONE, DESK = {"width": 360, "height": 720}, {"width": 1100, "height": 700}
PAGES = (
    ("page", "/", PHONE),
    ("alerts", "/alerts", PHONE),
    ("villages", "/villages", DESK),
    ("facility", "/facilities/35.10.82.2002/gerbang", PHONE),
)
"""The name of the picture, the page, and the size of its screen."""


def main() -> int:
    """Make all pictures. Returns the exit status."""
    with (
        tempfile.TemporaryDirectory(prefix="siaga-pictures-") as directory,
        demo(Path(directory)) as (base, cookie),
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for name, path, size in PAGES:
            take(browser, base, cookie, name, path, size)
        browser.close()
    return 0


@contextlib.contextmanager
def demo(directory: Path) -> Iterator[tuple[str, str]]:
    """Yields where the demo's pages are, and its first admin's cookie, once its history is there."""
    ports = [free_port() for _ in range(2)]
    settings = {"DATA_DIR": str(directory / "data"), "HTTP_PORT": str(ports[0]), "MQTT_PORT": str(ports[1])}
    environment = os.environ | {f"SIAGA_{name}": value for name, value in settings.items()}
    log = directory / "log"
    with log.open("wb") as output:
        command = [str(Path(sys.executable).parent / "siaga"), "up", "--demo", "--history", "30d"]
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment)  # noqa: S603
        try:
            base = f"http://127.0.0.1:{ports[0]}"
            wait(lambda: "demo_history_sent" in log.read_text(errors="replace"), "the demo's history")
            wait(lambda: judged(base), "thirty days of every village")
            yield base, signed_in(base, log.read_text(errors="replace"))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(15)


def judged(base: str) -> bool:
    """Whether the public page has the days of all villages, from the first on."""
    with contextlib.suppress(httpx.HTTPError):
        httpx.get(f"{base}/", timeout=20)  # it reads the days anew, at most once a minute
        villages = httpx.get(f"{base}/status.json", timeout=20).json()["villages"]
        days = [one["days"] for village in villages for one in village["indicators"]]
        return bool(days) and all(one.count("-") <= 1 for one in days)
    return False


def signed_in(base: str, log: str) -> str:
    """Set the first admin's password by the link in the log. Returns the cookie."""
    link = next(word for word in log.replace('"', " ").split() if "/welcome/" in word)
    path = "/welcome/" + link.partition("/welcome/")[2].strip(".,)'")
    password = "gambar-untuk-panduan"  # noqa: S105 - of a demo that ends with this script
    fields = {"password": password, "again": password}
    answer = httpx.post(f"{base}{path}", data=fields, headers={"Sec-Fetch-Site": "same-origin"}, timeout=20)
    return answer.cookies["siaga"]


def take(browser: Browser, base: str, cookie: str, name: str, path: str, size: dict[str, int]) -> None:
    """Take one picture."""
    context = browser.new_context(base_url=base, viewport=size, locale="en-GB", device_scale_factor=2)  # type: ignore[arg-type]  # keywords of Playwright
    if path != "/":
        context.add_cookies([{"name": "siaga", "value": cookie, "url": base}])
    page = context.new_page()
    page.goto(path)
    page.screenshot(path=IMAGES / f"{name}.png")
    context.close()


def wait(condition: Callable[[], bool], what: str) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"not within {PATIENCE:.0f} s: {what}")
        time.sleep(1)


def free_port() -> int:
    """Returns a port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


if __name__ == "__main__":
    sys.exit(main())
