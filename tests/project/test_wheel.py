"""The wheel that `uv build` makes: everything that siaga needs at run time is in it."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import httpx
import pytest

from tests.servers import free_port
from tests.wait import PATIENCE, until

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel in it; only what siaga depends on is that of the checkout."""
    directory = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(directory)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = directory.glob("siaga-*.whl")
    venv.create(directory / "venv", with_pip=False)
    (packages,) = (directory / "venv" / "lib").glob("python*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        archive.extractall(packages)
    assert not [name for name in names if name.startswith(("tests/", "deploy/", "docs/"))]
    (packages / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"])
    return directory / "venv" / "bin" / "python"


def test_the_wheel_runs_with_pages_migrations_and_words(installed: Path, tmp_path: Path) -> None:
    start = "import siaga.run.cli.main as m; assert 'venv' in m.__file__, m.__file__; m.main()"
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SIAGA_")}
    environment |= {
        "SIAGA_DATA_DIR": str(tmp_path / "data"),
        "SIAGA_HTTP_PORT": str(port),
        "SIAGA_MQTT_PORT": str(free_port()),
    }
    with (tmp_path / "log").open("wb") as log:
        running = subprocess.Popen(
            [str(installed), "-c", start, "up"], env=environment, cwd=tmp_path, stdout=log, stderr=log
        )
    try:

        def ready() -> bool:
            assert running.poll() is None, (tmp_path / "log").read_text()[-3000:]
            try:
                return httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=5).status_code == 200
            except httpx.TransportError:
                return False

        until(ready, 180, "siaga from the wheel is ready")
        page = httpx.get(f"http://127.0.0.1:{port}/login", timeout=10)
        assert page.status_code == 200
        assert "siaga" in page.text
        styles = [part.split('"')[0] for part in page.text.split('href="') if ".css" in part.split('"')[0]]
        assert styles
        assert httpx.get(f"http://127.0.0.1:{port}{styles[0]}", timeout=10).status_code == 200
    finally:
        running.terminate()
        assert running.wait(PATIENCE) == 0
