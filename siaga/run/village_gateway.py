"""The command `siaga gateway`. It imports only what a gateway needs, because a Raspberry Pi has little memory."""

import contextlib
import ctypes
import gc
import threading
from typing import TYPE_CHECKING

from siaga.model.clock import SystemClock
from siaga.sites.on_disk import read_sites_file

if TYPE_CHECKING:
    from pydantic import SecretStr

    from siaga.model.sites import Village
    from siaga.run.gateways import Asking
    from siaga.run.settings import Settings

__all__ = ["how_to_ask", "only_village", "run_gateway"]


def run_gateway(settings: "Settings", stop: threading.Event) -> None:
    """Run `siaga gateway` for one village of the sites file, until `stop` is set.

    Raises:
        ValueError: the settings do not say which village.
        RuntimeError: a defect ended it. The process supervisor starts it again.
    """
    from prometheus_client import REGISTRY  # noqa: PLC0415

    from gateway.metrics import GatewayMetrics  # noqa: PLC0415
    from siaga.run.gateways import GatewayPart, Served  # noqa: PLC0415

    village = only_village(settings)
    settings.make_data_dir()
    told: list[Served] = [Served([village])]
    failed = threading.Event()

    def fail() -> None:
        failed.set()
        stop.set()

    part = GatewayPart(
        settings.data_dir,
        settings.village_broker,
        settings.central_broker,
        lambda: told.pop() if told else None,
        SystemClock(),
        GatewayMetrics(REGISTRY),
        alone=village,
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
    gc.collect()
    gc.freeze()
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


def only_village(settings: "Settings") -> "Village":
    """Returns the village that a gateway on site serves.

    Raises:
        ValueError: the settings do not say which.
    """
    if settings.sites is None:
        raise ValueError("gateway: SIAGA_SITES is not set: name the sites file that has the village")
    villages = {village.code: village for village in read_sites_file(settings.sites).villages}
    if settings.village is not None:
        if settings.village not in villages:
            raise ValueError(f"SIAGA_VILLAGE: {settings.sites} has no village {settings.village}")
        return villages[settings.village]
    if len(villages) != 1:
        raise ValueError(f"SIAGA_VILLAGE is not set, and {settings.sites} has {len(villages)} villages: say which")
    return next(iter(villages.values()))
