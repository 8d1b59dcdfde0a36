"""The command `siaga gateway`. It imports only what a gateway needs, because a Raspberry Pi has little memory."""

import contextlib
import ctypes
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import structlog

from siaga.model.clock import SystemClock
from siaga.mqtt import Tls
from siaga.provision.gateway_file import read_gateway_file
from siaga.run.garbage import keep_what_is_loaded
from siaga.sites.on_disk import read_sites_file, read_text
from siaga.sites.published import PublishedSites

if TYPE_CHECKING:
    from pydantic import SecretStr

    from siaga.model.sites import Village
    from siaga.run.gateways import Asking
    from siaga.run.settings import Settings

__all__ = ["Place", "how_to_ask", "placed", "run_gateway"]

log = structlog.get_logger(__name__)


def run_gateway(settings: "Settings", stop: threading.Event) -> None:
    """Run `siaga gateway` for one village of the sites file, until `stop` is set.

    Raises:
        ValueError: the settings do not say which village.
        RuntimeError: a defect ended it. The process supervisor starts it again.
    """
    from prometheus_client import REGISTRY  # noqa: PLC0415

    from gateway.metrics import GatewayMetrics  # noqa: PLC0415
    from gateway.sites_copy import SitesCopy  # noqa: PLC0415
    from siaga.run.gateways import GatewayPart, Served  # noqa: PLC0415

    place = placed(settings)
    settings.make_data_dir()
    metrics = GatewayMetrics(REGISTRY)
    given = PublishedSites(place.village, place.made)
    sites = SitesCopy(settings.data_dir, given, metrics.sites_refused.inc)
    failed = threading.Event()

    def fail() -> None:
        failed.set()
        stop.set()

    part = GatewayPart(
        settings.data_dir,
        place.village_url,
        place.centre_url,
        lambda: None if (changed := sites.take_change()) is None else Served([changed]),
        SystemClock(),
        metrics,
        sites=sites,
        village_tls=place.village_tls,
        centre_tls=place.centre_tls,
        asking=how_to_ask(settings),
        failed=fail,
    )
    part.start()
    _give_back()
    stop.wait()
    problem = part.problem()
    part.stop()
    if failed.is_set():
        raise RuntimeError(problem)


def _give_back() -> None:
    """Return memory to the system that was only needed for loading: some 6 MB."""
    keep_what_is_loaded()
    with contextlib.suppress(OSError, AttributeError):  # another C library than GNU's
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def how_to_ask(settings: "Settings") -> "Asking":
    """Returns how a gateway has to poll devices that do not publish."""
    from gateway.pollers import Credentials  # noqa: PLC0415
    from siaga.run.gateways import Asking  # noqa: PLC0415
    from siaga.sites.poll_address import read_web  # noqa: PLC0415

    url = settings.probe_internet_url
    credentials = Credentials(
        settings.snmp_community.get_secret_value(),
        settings.snmp_user,
        _revealed(settings.snmp_auth_password),
        _revealed(settings.snmp_privacy_password),
    )
    return Asking(None if url == "off" else read_web(url), credentials)


def _revealed(secret: "SecretStr | None") -> str | None:
    return None if secret is None else secret.get_secret_value()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a gateway on site stands: its village and its two brokers. `made`: when that was written, Unix seconds."""

    village: "Village"
    made: int
    village_url: str = field(repr=False)
    centre_url: str = field(repr=False)
    village_tls: Tls
    centre_tls: Tls


def placed(settings: "Settings") -> Place:
    """Returns where a gateway stands, by the gateway file of the district, or by settings one by one.

    Each setting that is given wins over what the gateway file says.

    Raises:
        ValueError: the settings do not say which village, or the gateway file cannot be used.
    """
    if settings.gateway_file is None:
        village = _only_village(settings)
        made = int(settings.sites.stat().st_mtime) if settings.sites is not None else 0
        return Place(village, made, settings.village_broker, settings.central_broker, settings.tls, settings.tls)
    path = settings.gateway_file
    file = read_gateway_file(read_text(path), str(path))
    if path.stat().st_mode & 0o007:
        log.warning("gateway_file_open_to_all", file=str(path), remedy=f"chmod 0600 {path}")
    if settings.village is not None and settings.village != file.village.code:
        raise ValueError(f"SIAGA_VILLAGE: {path} is the file of {file.village.code}, not of {settings.village}")
    village, made = file.village, file.made
    if settings.sites is not None:
        village, made = _only_village(settings, file.village.code), int(settings.sites.stat().st_mtime)
    centre_url = file.url if settings.mqtt_url is None else settings.central_broker
    centre_tls = file.tls if settings.mqtt_ca is None else replace(file.tls, ca=settings.tls.ca)
    if settings.village_mqtt_url is None:
        return Place(village, made, centre_url, centre_url, centre_tls, centre_tls)
    return Place(village, made, settings.village_broker, centre_url, settings.tls, centre_tls)


def _only_village(settings: "Settings", code: str | None = None) -> "Village":
    """Returns the village that a gateway on site serves, by the sites file.

    Raises:
        ValueError: the settings do not say which.
    """
    if settings.sites is None:
        raise ValueError(
            "gateway: SIAGA_SITES is not set: name the sites file that has the village; or, in SIAGA_GATEWAY_FILE, the "
            "file that the district made for this gateway"
        )
    villages = {village.code: village for village in read_sites_file(settings.sites).villages}
    wanted = settings.village or code
    if wanted is not None:
        if wanted not in villages:
            raise ValueError(f"SIAGA_VILLAGE: {settings.sites} has no village {wanted}")
        return villages[wanted]
    if len(villages) != 1:
        raise ValueError(f"SIAGA_VILLAGE is not set, and {settings.sites} has {len(villages)} villages: say which")
    return next(iter(villages.values()))
