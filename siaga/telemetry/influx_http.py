"""Single HTTP requests to an InfluxDB: with deadlines for every part, without redirects, without retries.

influxdb-client provides connections and credentials. The requests use its connection pool directly, because its own
methods send the body under the connect timeout, so a large write never succeeds on a slow line. They also accept any
status from 200 to 299 as success.
"""

import socket
import time
from collections.abc import Iterator, Mapping
from urllib.parse import urlencode, urlsplit

import urllib3
from influxdb_client.client.influxdb_client import InfluxDBClient

from siaga.telemetry.influx_address import InfluxAddress

__all__ = ["Http", "took_too_long", "where_to", "words_of"]

CONNECT_WITHIN = 5.0
"""Seconds to connect, and to send each piece of a body."""
PIECE = 16 * 1024
"""Bytes of a piece: a line of 4 kB/s sends one in time."""
LARGE_PIECE = 1 << 20
"""The same of a body that is not compressed, which goes only where the line is quick: between two pieces, other threads
may hold the interpreter for milliseconds."""
SILENCE = 15.0
"""Seconds that sent bytes may stay unacknowledged by TCP: a restarted router has forgotten the connection."""
CONNECTIONS = 8
"""Connections kept open per store. More threads may use it; they get new connections."""
WORDS_MAX = 4_096
"""Bytes of an unsuccessful answer that are read."""

_OPTIONS: list[tuple[int, int, int | bytes]] = [
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
]
if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
    _OPTIONS += [
        (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 5),
        (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5),
        (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(SILENCE * 1000)),
    ]


class Http:
    """Connections to one server. It connects with the first request. Thread-safe."""

    def __init__(self, address: InfluxAddress) -> None:
        secret = address.secret or ""
        client = InfluxDBClient(
            url=address.base,
            token=f"{address.user}:{secret}" if address.user else secret,
            auth_basic=bool(address.user),
            connection_pool_maxsize=CONNECTIONS,
            retries=False,
        )
        self._base = address.base
        self._headers: dict[str, str] = dict(client.api_client.default_headers)
        self._pool: urllib3.PoolManager = client.api_client.rest_client.pool_manager
        self._pool.connection_pool_kw["socket_options"] = _OPTIONS

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        send_within: float,
        answer_within: float,
    ) -> urllib3.BaseHTTPResponse:
        """Send one request. Returns its answer, whatever its status, with the body still unread.

        Args:
            send_within: seconds to send the body.
            answer_within: seconds without any byte of the answer.

        Raises:
            urllib3.exceptions.HTTPError: there was no answer, or not in time.
        """
        url = f"{self._base}{path}" + (f"?{urlencode(query)}" if query else "")
        sent = {**self._headers, **(headers or {}), "Content-Length": str(len(body))}
        piece = PIECE if "Content-Encoding" in sent else LARGE_PIECE
        return self._pool.request(
            method,
            url,
            headers=sent,
            body=_pieces(body, piece, time.monotonic() + send_within) if body else None,
            timeout=urllib3.Timeout(connect=CONNECT_WITHIN, read=answer_within),
            preload_content=False,
            redirect=False,
        )

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()


def _pieces(body: bytes, piece: int, until: float) -> Iterator[bytes]:
    for start in range(0, len(body), piece):
        if time.monotonic() > until:
            raise TimeoutError("the line is too slow for a request of this size")
        yield body[start : start + piece]


def took_too_long(error: Exception) -> bool:
    """Returns whether a request timed out after it was connected: a smaller one may succeed."""
    if isinstance(error, urllib3.exceptions.ConnectTimeoutError):
        return False
    if isinstance(error, urllib3.exceptions.ReadTimeoutError | TimeoutError):
        return True
    return isinstance(error, urllib3.exceptions.ProtocolError) and any(
        isinstance(cause, TimeoutError) for cause in error.args
    )


def words_of(answer: urllib3.BaseHTTPResponse) -> str:
    """Returns the type and the beginning of an answer's body, on one line."""
    try:
        text = answer.read(WORDS_MAX).decode(errors="replace")
    except (urllib3.exceptions.HTTPError, OSError):
        text = ""
    said = " ".join(text.split())[:120]
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip()
    return ", ".join(part for part in (kind[:60], repr(said) if said else "") if part) or "an empty answer"


def where_to(answer: urllib3.BaseHTTPResponse) -> str:
    """Returns the target of a redirect, without its query, which may contain a secret."""
    target = answer.headers.get("Location", "")
    parts = urlsplit(target)
    shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}" if parts.netloc else parts.path
    return shown[:200] or "nowhere"
