"""The images of docker-compose.yml, built here: siaga's own, and stand-ins for those of a registry."""

from pathlib import Path

import yaml

from tests.containers.engine import ROOT, Engine

__all__ = ["SIAGA_IMAGE", "build_images"]

STAND_INS = Path(__file__).resolve().parent / "stand-ins"
STANDS_FOR = {"eclipse-mosquitto": "mosquitto", "influxdb": "influxdb", "postgres": "postgres", "caddy": "caddy"}
SIAGA_IMAGE = "localhost/siaga:0.1.0"


def build_images(engine: Engine) -> None:
    """Build each image under the name that the compose file has for it."""
    engine.make_base()
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    for image in sorted({service["image"] for service in services.values()}):
        name = image.partition(":")[0]
        if name in STANDS_FOR:
            engine.build(f"docker.io/library/{image}", STAND_INS / f"{STANDS_FOR[name]}.Dockerfile", STAND_INS)
    engine.build(SIAGA_IMAGE, ROOT / "Dockerfile", ROOT)
