"""The certificates of the servers that the settings name over TLS: valid, and for how long."""

import socket
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

from siaga.model.clock import DAY, Clock
from siaga.mqtt.address import BrokerAddress
from siaga.mqtt.tls import Tls
from siaga.run.doctor.finding import Finding, Said, State, ok, warning, wrong
from siaga.run.settings import Settings
from siaga.telemetry.influx_address import InfluxAddress

__all__ = ["look"]

WITHIN = 5.0
"""Seconds for a handshake."""
SOON = 14
"""Days before its end from which a certificate is told of: automatic renewals come at 30."""


def look(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """Shake hands with each server, as siaga's own connections do."""
    for name, host, port in _servers(settings):
        trust = settings.tls if name == "certificate_broker" else Tls()
        yield _certificate(name, host, port, trust, clock.now())


def _servers(settings: Settings) -> Iterator[tuple[str, str, int]]:
    if settings.mqtt_url is not None:
        broker = BrokerAddress.parse(settings.central_broker)
        if broker.tls:
            yield "certificate_broker", broker.host, broker.port
    if settings.store.startswith("influxdbs://"):
        parts = urlsplit(InfluxAddress.read(settings.store).base)
        yield "certificate_store", parts.hostname or "", parts.port or 443
    if settings.public_url is not None and settings.public_url.startswith("https://"):
        parts = urlsplit(settings.public_url)
        yield "certificate_pages", parts.hostname or "", parts.port or 443


def _certificate(name: str, host: str, port: int, trust: Tls, now: int) -> Finding:
    server = f"{host}:{port}"
    try:
        with (
            socket.create_connection((host, port), WITHIN) as plain,
            trust.context().wrap_socket(plain, server_hostname=host) as line,
        ):
            certificate = line.getpeercert() or {}
    except ssl.SSLCertVerificationError as problem:
        return wrong(name, Said.CERTIFICATE_BAD, server=server, reason=problem.verify_message)
    except OSError as problem:
        values = {"server": server, "reason": str(problem.strerror or problem)}
        return Finding(name, State.UNKNOWN, Said.CERTIFICATE_UNKNOWN, values)
    days = (round(ssl.cert_time_to_seconds(str(certificate["notAfter"])) * 1000) - now) // DAY
    if days < SOON:
        return warning(name, Said.CERTIFICATE_ENDS, server=server, days=days)
    return ok(name, Said.CERTIFICATE_OK, server=server, days=days)
