"""Whether siaga runs here, is ready, and is reached as people reach it."""

import ipaddress
import json
import urllib.error
import urllib.request
from collections.abc import Iterator

from gateway.check import check
from gateway.status_socket import SOCKET, NoGateway, read_status
from siaga.model.clock import Clock
from siaga.run.doctor.finding import Finding, Said, ok, unknown, warning, wrong
from siaga.run.settings import Settings

__all__ = ["is_local", "is_village", "look", "reason_of"]

WITHIN = 5.0
"""Seconds for one answer. `/readyz` gives its own within two."""
LONGEST = 100_000


def look(settings: Settings, _clock: Clock) -> Iterator[Finding]:
    """Look at the process: on a village's machine the gateway, else what serves the pages."""
    if is_village(settings):
        yield _gateway(settings)
        return
    yield _service(settings)
    plain = settings.public_url is None or not settings.public_url.startswith("https://")
    if plain and not is_local(settings.http_host):
        yield warning("pages", Said.PAGES_PLAIN, host=settings.http_host, port=settings.http_port)
    else:
        yield ok("pages", Said.PAGES_OK)


def is_village(settings: Settings) -> bool:
    """Returns whether this is the machine of a village's gateway."""
    return any(each is not None for each in (settings.village, settings.village_mqtt_url, settings.gateway_file))


def is_local(host: str) -> bool:
    """Returns whether only this machine reaches an address."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def reason_of(problem: OSError) -> str:
    """Returns why a connection failed, in the system's words."""
    cause = getattr(problem, "reason", problem)
    return str(getattr(cause, "strerror", None) or cause)


def _service(settings: Settings) -> Finding:
    host = settings.http_host
    if host in ("0.0.0.0", "::"):  # noqa: S104 - it is asked, not bound
        host = "127.0.0.1"
    address = f"http://{f'[{host}]' if ':' in host else host}:{settings.http_port}"
    try:
        with urllib.request.urlopen(f"{address}/readyz", timeout=WITHIN) as answer:  # noqa: S310 - our own http address
            answer.read(LONGEST)
    except urllib.error.HTTPError as refusal:
        try:
            reasons = json.loads(refusal.read(LONGEST))["detail"]
        except (ValueError, KeyError, TypeError, OSError):
            return unknown("service", f"{address}/readyz: {refusal.code}")
        return wrong("service", Said.SERVICE_NOT_READY, address=address, reasons=reasons)
    except OSError as problem:
        return wrong("service", Said.SERVICE_ABSENT, address=address, reason=reason_of(problem))
    return ok("service", Said.SERVICE_OK, address=address)


def _gateway(settings: Settings) -> Finding:
    try:
        lines = check(read_status(settings.data_dir))
    except NoGateway:
        return wrong("service", Said.GATEWAY_ABSENT, socket=settings.data_dir / SOCKET)
    problems = [f"{line.what}: {line.sentence}" for line in lines if line.good is False]
    if problems:
        return wrong("service", Said.GATEWAY_PROBLEM, reasons="; ".join(problems))
    return ok("service", Said.GATEWAY_OK)
