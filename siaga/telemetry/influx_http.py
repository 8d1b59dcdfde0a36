"""One HTTP request to an InfluxDB: deadlines for every part of it, no redirect followed, no attempt repeated.

influxdb-client makes the connections and the credentials. The requests go to its pool directly: its own verbs send a
body under the timeout for connecting, so that a large write never gets through a slow line, and they take every
status of 200 to 299 for success.
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
"""Seconds until a connection stands, and until the line takes another piece of a body."""
PIECE = 16 * 1024
"""Bytes of a body handed to the socket at once: a line of 4 kB/s takes one in time."""
SILENCE = 15.0
"""Seconds in which sent bytes may stay without TCP's acknowledgement: a router that restarted forgets a connection."""
CONNECTIONS = 8
"""Connections kept open per store. More threads than that may ask; their connections are then made anew."""
WORDS_MAX = 4_096
"""Bytes that are read of an answer that is no yes."""

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
    """Connections to one server. Safe to use from several threads; connects with the first request."""

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
        """Send one request and return its answer, whatever its status. The body of the answer is not read yet.

        Args:
            send_within: seconds for sending the body.
            answer_within: seconds without a byte of the answer.

        Raises:
            urllib3.exceptions.HTTPError: no answer came, or not in time.
        """
        url = f"{self._base}{path}" + (f"?{urlencode(query)}" if query else "")
        sent = {**self._headers, **(headers or {}), "Content-Length": str(len(body))}
        return self._pool.request(
            method,
            url,
            headers=sent,
            body=_pieces(body, time.monotonic() + send_within) if body else None,
            timeout=urllib3.Timeout(connect=CONNECT_WITHIN, read=answer_within),
            preload_content=False,
            redirect=False,
        )

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()


def _pieces(body: bytes, until: float) -> Iterator[bytes]:
    for start in range(0, len(body), PIECE):
        if time.monotonic() > until:
            raise TimeoutError("the line is too slow for a request of this size")
        yield body[start : start + PIECE]


def took_too_long(error: Exception) -> bool:
    """Whether a request failed by taking too long after its connection stood: a smaller one may get through."""
    if isinstance(error, urllib3.exceptions.ConnectTimeoutError):
        return False
    if isinstance(error, urllib3.exceptions.ReadTimeoutError | TimeoutError):
        return True
    return isinstance(error, urllib3.exceptions.ProtocolError) and any(
        isinstance(cause, TimeoutError) for cause in error.args
    )


def words_of(answer: urllib3.BaseHTTPResponse) -> str:
    """Return what an answer says, shortened to one line: its type and the beginning of its body."""
    try:
        text = answer.read(WORDS_MAX).decode(errors="replace")
    except (urllib3.exceptions.HTTPError, OSError):
        text = ""
    said = " ".join(text.split())[:120]
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip()
    return ", ".join(part for part in (kind[:60], repr(said) if said else "") if part) or "an empty answer"


def where_to(answer: urllib3.BaseHTTPResponse) -> str:
    """Return where a redirect leads, without its query, which may hold a secret."""
    target = answer.headers.get("Location", "")
    parts = urlsplit(target)
    shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}" if parts.netloc else parts.path
    return shown[:200] or "nowhere"
