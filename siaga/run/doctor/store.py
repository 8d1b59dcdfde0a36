"""The telemetry store: whether it answers, which one it is, and what of that limits siaga. Nothing is written."""

import base64
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from siaga.model.clock import DAY, HOUR, SECOND, Clock
from siaga.run.doctor.finding import Finding, Said, ok, warning, wrong
from siaga.run.doctor.service import reason_of
from siaga.run.settings import Settings
from siaga.telemetry import SHORTEST_KEPT, StoreUnavailable
from siaga.telemetry.influx_address import InfluxAddress
from siaga.telemetry.influx_connection import InfluxConnection
from siaga.telemetry.influx_retention import LONGER

__all__ = ["look"]

WITHIN = 5.0
"""Seconds for one answer."""
LONGEST = 1_000_000


class _Refused(Exception):
    """The server answered, and did not do it."""


def look(settings: Settings, _clock: Clock) -> Iterator[Finding]:
    """Ask an InfluxDB for its version and its retention. The embedded store is asked by the service that owns it."""
    if settings.store.startswith("duckdb:"):
        file = Path(settings.store.removeprefix("duckdb:///"))
        yield ok("store", Said.STORE_EMBEDDED, mib=file.stat().st_size >> 20 if file.exists() else 0)
        return
    address = InfluxAddress.read(settings.store)
    try:
        version, build = _ping(address)
        yield from _kind(settings, address, version, build)
    except _Refused as problem:
        yield wrong("store", Said.STORE_REFUSES, server=address.base, reason=problem)
    except OSError as problem:
        yield wrong("store", Said.STORE_ABSENT, server=address.base, reason=reason_of(problem))


def _kind(settings: Settings, address: InfluxAddress, version: str, build: str) -> Iterator[Finding]:
    values = {"server": address.base, "version": version}
    kept = _kept_for(address, version)
    if version.startswith("3") and build.lower() == "core":
        yield warning("store", Said.STORE_CORE, **values)
    else:
        yield ok("store", Said.STORE_OK, **values)
    wanted = settings.keep_telemetry
    days = "∞" if kept is None else kept // DAY
    if kept is not None and kept < SHORTEST_KEPT:
        yield warning("store_retention", Said.STORE_RETENTION, days=days, **values)
    elif wanted is not None and kept is not None and kept < wanted:
        yield warning("store_retention", Said.STORE_KEEPS_LESS, days=days, wanted=wanted // DAY, **values)
    elif wanted is not None and (kept is None or kept > wanted + LONGER + DAY):
        yield warning("store_retention", Said.STORE_KEEPS_MORE, days=days, wanted=wanted // DAY, **values)


def _kept_for(address: InfluxAddress, version: str) -> int | None:
    """Returns for how long the server keeps telemetry by itself, ms; `None`: for ever."""
    if version.startswith("2"):
        connection = InfluxConnection(address)
        try:
            seconds = connection.bucket_kept_for()
        except StoreUnavailable as problem:
            raise _Refused(str(problem)) from None
        finally:
            connection.close()
        return None if seconds is None else seconds * SECOND
    database = address.database.replace("\\", "\\\\").replace('"', '\\"')
    for policy in _query(address, f'SHOW RETENTION POLICIES ON "{database}"'):
        hours = re.match(r"(\d+)h", str(policy.get("duration", "")))
        if policy.get("default") and hours is not None and int(hours[1]) > 0:
            return int(hours[1]) * HOUR
    return None


def _ping(address: InfluxAddress) -> tuple[str, str]:
    request = urllib.request.Request(f"{address.base}/ping", headers=_credentials(address))  # noqa: S310 - http, by InfluxAddress
    try:
        with urllib.request.urlopen(request, timeout=WITHIN) as answer:  # noqa: S310
            return answer.headers.get("X-Influxdb-Version", "").removeprefix("v"), answer.headers.get(
                "X-Influxdb-Build", ""
            )
    except urllib.error.HTTPError as refusal:
        raise _Refused(f"HTTP {refusal.code}") from None


def _query(address: InfluxAddress, statement: str) -> list[dict[str, object]]:
    """Returns the rows of a statement.

    Raises:
        _Refused: it is not done, for one as the credentials are wrong.
    """
    query = urllib.parse.urlencode({"db": address.database, "q": statement})
    request = urllib.request.Request(f"{address.base}/query?{query}", headers=_credentials(address))  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=WITHIN) as answer:  # noqa: S310
            body = json.loads(answer.read(LONGEST))
    except urllib.error.HTTPError as refusal:
        raise _Refused(_reason(refusal)) from None
    except ValueError:
        raise _Refused("its answer is not JSON") from None
    found: list[dict[str, object]] = []
    for result in body.get("results", []):
        if "error" in result:
            raise _Refused(str(result["error"])[:200])
        for series in result.get("series", []):
            found += [dict(zip(series["columns"], row, strict=True)) for row in series.get("values", [])]
    return found


def _reason(refusal: urllib.error.HTTPError) -> str:
    try:
        body = json.loads(refusal.read(LONGEST))
        said = str(body.get("error") or body.get("message") or "")[:200]
    except (ValueError, AttributeError, OSError):
        said = ""
    return f"HTTP {refusal.code} {said}".strip()


def _credentials(address: InfluxAddress) -> dict[str, str]:
    if address.secret is None:
        return {}
    if address.by_token:
        return {"Authorization": f"Token {address.secret}"}
    pair = base64.b64encode(f"{address.user}:{address.secret}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}
