"""The images of docker-compose.yml, built here: siaga's own, and stand-ins for those of a registry."""

import subprocess
from pathlib import Path

import yaml

from tests.containers.engine import ROOT, Engine

__all__ = ["SIAGA_IMAGE", "build_before", "build_images"]

STAND_INS = Path(__file__).resolve().parent / "stand-ins"
STANDS_FOR = {"eclipse-mosquitto": "mosquitto", "influxdb": "influxdb", "postgres": "postgres", "caddy": "caddy"}
SIAGA_IMAGE = "localhost/siaga:0.1.0"
MIGRATIONS = "siaga/database/migrations/versions"
MIGRATIONS_BEFORE = 4
"""The earlier siaga, whose data is upgraded, lacks so many migrations."""


def build_images(engine: Engine) -> None:
    """Build each image under the name that the compose file has for it."""
    engine.make_base()
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    for image in sorted({service["image"] for service in services.values()}):
        name = image.partition(":")[0]
        if name in STANDS_FOR:
            engine.build(f"docker.io/library/{image}", STAND_INS / f"{STANDS_FOR[name]}.Dockerfile", STAND_INS)
    engine.build(SIAGA_IMAGE, ROOT / "Dockerfile", ROOT)


def build_before(engine: Engine, directory: Path) -> str:
    """Build the image of an earlier siaga. Returns its name. `directory`: an empty one."""
    first_lacking = sorted(path.name for path in (ROOT / MIGRATIONS).glob("0*.py"))[-MIGRATIONS_BEFORE]
    added = _git("log", "-1", "--format=%H", "--diff-filter=A", "--", f"{MIGRATIONS}/{first_lacking}").decode().strip()
    name = f"localhost/siaga:{added[:12]}-before"
    if not engine.has(name):
        archive = directory / "before.tar"
        archive.write_bytes(_git("archive", f"{added}^"))
        context = directory / "before"
        context.mkdir()
        subprocess.run(["tar", "-xf", archive, "-C", context], check=True)
        engine.build(name, context / "Dockerfile", context)
    return name


def _git(*words: str) -> bytes:
    return subprocess.run(["git", "-C", ROOT, *words], check=True, capture_output=True).stdout
