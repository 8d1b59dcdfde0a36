"""The images of docker-compose.yml, built here: siaga's own, and stand-ins for those of a registry."""

import subprocess
from pathlib import Path

import yaml

from tests.containers.engine import ROOT, Engine

__all__ = ["SIAGA_IMAGE", "build_before", "build_images"]

STAND_INS = Path(__file__).resolve().parent / "stand-ins"
STANDS_FOR = {"eclipse-mosquitto": "mosquitto", "influxdb": "influxdb", "postgres": "postgres", "caddy": "caddy"}
SIAGA_IMAGE = "localhost/siaga:0.1.0"
BEFORE = "dead3a4dc15df141977fb452529d0408f09da7c4"
"""The earlier siaga whose data is upgraded: its database has migration 0016."""


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
    name = f"localhost/siaga:before-{BEFORE[:12]}"
    if not engine.has(name):
        archive, context = directory / "before.tar", directory / "before"
        archive.write_bytes(
            subprocess.run(["git", "-C", ROOT, "archive", BEFORE], check=True, capture_output=True).stdout
        )
        context.mkdir()
        subprocess.run(["tar", "-xf", archive, "-C", context], check=True)
        engine.build(name, context / "Dockerfile", context)
    return name
