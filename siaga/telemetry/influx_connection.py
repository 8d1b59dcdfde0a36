"""HTTP to an InfluxDB 1.x, 2.x or 3.x through `influxdb-client`: versions, credentials, and what its answers mean.

One request is one attempt: whoever calls decides when to try again. Every trouble that may pass is a
`StoreUnavailable` whose sentence names the server and holds no secret.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, cast

import orjson
import structlog
import urllib3
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.rest import ApiException
from pydantic import BaseModel, ConfigDict, SkipValidation, ValidationError

from siaga.telemetry import StoreUnavailable
from siaga.telemetry.influx_address import InfluxAddress

__all__ = ["InfluxConnection", "PartialWrite", "Series", "TooLarge", "identifier"]

CONNECT_TIMEOUT = 3_000
WRITE_TIMEOUT = 8_000
"""Milliseconds a write may take: a stopping process ends within 10 s. One that took longer is written again."""
QUERY_TIMEOUT = 30_000
"""Milliseconds without a byte of an answer to a query."""
CONNECTIONS = 8
"""Kept open per store; more threads than that may ask, their connections are then made anew."""

_log = structlog.get_logger(__name__)
_FORM = "application/x-www-form-urlencoded"
# What servers say when they took some points and not others, or cannot ever read a line.
_DATA_FAULT = re.compile(
    r"partial write|field type conflict|unable to parse|beyond retention|out of range", re.IGNORECASE
)
_FIELD = re.compile(r"""input field "(\w+)"|column '(\w+)'""")  # InfluxDB 1 and 2, openGemini | InfluxDB 3
_DROPPED = re.compile(r"dropped=(\d+)")


@dataclass(frozen=True, slots=True)
class PartialWrite:
    """The server refused some of the points of a request. `field` is the one it named, `dropped` how many it counted.

    Both are hints: with several shards it speaks of one of them, and what else it took is then not certain.
    """

    reason: str
    field: str | None
    dropped: int | None


class TooLarge(Exception):
    """The request is larger than the server, or a proxy before it, accepts."""


class Series(BaseModel):
    """One series of an answer, or a part of it. The rows are checked where they are read: there are millions."""

    model_config = ConfigDict(extra="ignore")
    tags: dict[str, str] = {}
    columns: list[str]
    values: SkipValidation[list[list[object]]] = []


class _Result(BaseModel):
    statement_id: int = 0
    series: list[Series] = []
    error: str | None = None


class _Answer(BaseModel):
    results: list[_Result] = []
    error: str | None = None


class _Api(Protocol):
    """The one verb of influxdb-client's `ApiClient` that is used; the library does not type it."""

    def call_api(
        self,
        resource_path: str,
        method: str,
        *,
        query_params: Mapping[str, str] | None = None,
        header_params: Mapping[str, str] | None = None,
        body: bytes | None = None,
        post_params: Sequence[tuple[str, str]] | None = None,
        _preload_content: bool = False,
        _return_http_data_only: bool = True,
        _request_timeout: tuple[int, int] | None = None,
    ) -> urllib3.HTTPResponse: ...


class _Client(Protocol):
    def close(self) -> None: ...


def identifier(name: str) -> str:
    """A name in InfluxQL, quoted."""
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


class InfluxConnection:
    """One server and database. Does not connect before the first request; safe to use from several threads."""

    def __init__(self, address: InfluxAddress) -> None:
        self.address = address
        secret = address.secret or ""
        client = InfluxDBClient(
            url=address.base,
            token=f"{address.user}:{secret}" if address.user else secret,
            auth_basic=bool(address.user),
            connection_pool_maxsize=CONNECTIONS,
        )
        self._client = cast("_Client", client)
        self._api = cast("_Api", client.api_client)
        self._version: tuple[int, int] | None = None
        self._created = False

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    @property
    def _where(self) -> str:
        return f"InfluxDB at {self.address.base}"

    def version(self) -> tuple[int, int]:
        """The server's version by its `/ping`, asked once. Without one, that which the form of the URL suggests."""
        if self._version is None:
            try:
                with self._call("/ping", "GET", "a ping", timeout=WRITE_TIMEOUT) as response:
                    said = response.headers.get("X-Influxdb-Version", "")
            except _Refused as refusal:
                raise self._unavailable("a ping", refusal) from None
            found = re.search(r"(\d+)\.(\d+)", said)
            self._version = (int(found[1]), int(found[2])) if found else (1, 0) if self.address.org is None else (2, 0)
            _log.info("influxdb found", server=self.address.base, version=said)
        return self._version

    def prepare(self) -> None:
        """Ask for the version, and make the database where the URL names one of InfluxDB 1 and it may be made. Once."""
        if self._created:
            return
        if self.version()[0] == 1 and self.address.org is None:
            self.administer(f"CREATE DATABASE {identifier(self.address.database)}")
        self._created = True

    def administer(self, statement: str) -> bool:
        """Run a statement that the user may have no right to; False if so."""
        try:
            for _ in self._ask([statement], {}, with_database=False):
                pass
        except _Refused as refusal:
            if refusal.status == 403 or "not authorized" in refusal.text:
                _log.info("influxdb does not allow a statement", statement=statement, reason=refusal.text[:200])
                return False
            raise self._unavailable("a statement", refusal) from None
        return True

    def write(self, lines: Sequence[str], precision: str) -> PartialWrite | None:
        """Write lines in one request. None: all are durable.

        Raises:
            TooLarge: nothing was written; smaller requests may be.
            StoreUnavailable: it is not certain that anything was written.
        """
        self.prepare()
        version = self.version()
        if version >= (1, 8) and not (version[0] > 1 and self.address.user):
            path, query = "/api/v2/write", {"bucket": self.address.database, "org": self.address.org or "-"}
        else:  # also InfluxDB 2 and 3 for a user of theirs with a password: they speak it for such
            path, query = "/write", {"db": self.address.database}
        try:
            with self._call(
                path,
                "POST",
                "writing",
                query={**query, "precision": precision},
                headers={"Content-Type": "text/plain; charset=utf-8"},
                body="\n".join(lines).encode(),
                timeout=WRITE_TIMEOUT,
            ):
                return None
        except _Refused as refusal:
            if refusal.status == 413:
                raise TooLarge from None
            if refusal.status == 422 or (refusal.status == 400 and _DATA_FAULT.search(refusal.text)):
                return _partial(refusal.text)
            raise self._unavailable("writing", refusal) from None

    def query(
        self, statements: Sequence[str], params: Mapping[str, str | int] | None = None
    ) -> Iterator[tuple[int, Series]]:
        """The series that InfluxQL statements answer, each with its statement's index, as they arrive.

        A series longer than a few thousand rows comes in several parts, in order; memory holds one part at a time.
        """
        self.prepare()
        try:
            yield from self._ask(statements, params or {})
        except _Refused as refusal:
            raise self._unavailable("a query", refusal) from None

    def _ask(
        self, statements: Sequence[str], params: Mapping[str, str | int], *, with_database: bool = True
    ) -> Iterator[tuple[int, Series]]:
        form = {"q": ";".join(statements), "epoch": "ms", "chunked": "true", "params": orjson.dumps(params).decode()}
        if with_database:
            form["db"] = self.address.database
        with self._call(
            "/query", "POST", "a query", form=form, headers={"Content-Type": _FORM}, timeout=QUERY_TIMEOUT
        ) as response:
            for text in response:  # one JSON document a line
                if not text.strip():
                    continue
                answer = _Answer.model_validate(orjson.loads(text))
                for result in answer.results:
                    if error := result.error or answer.error:
                        raise _Refused(200, error)
                    for series in result.series:
                        yield result.statement_id, series
                if answer.error:
                    raise _Refused(200, answer.error)

    @contextmanager
    def _call(
        self,
        path: str,
        method: str,
        what: str,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        form: Mapping[str, str] | None = None,
        timeout: int,
    ) -> Iterator[urllib3.HTTPResponse]:
        """One request; its answer, whose body is read inside of the `with`. `_Refused` for a status of 400 and up."""
        response: urllib3.HTTPResponse | None = None
        try:
            response = self._api.call_api(
                path,
                method,
                query_params=query,
                header_params=headers,
                body=body,
                post_params=list(form.items()) if form else None,
                _preload_content=False,
                _return_http_data_only=True,
                _request_timeout=(CONNECT_TIMEOUT, timeout),
            )
            yield response
            response.drain_conn()
            response.release_conn()
            response = None
        except ApiException as error:
            if not error.status:  # no answer: how influxdb-client reports that TLS failed
                raise StoreUnavailable(f"{self._where} does not answer {what}: {_text_of(error)[:200]}") from error
            raise _Refused(error.status, _text_of(error)) from None
        except (urllib3.exceptions.HTTPError, OSError) as error:
            self._version = None  # what comes back may be another server
            raise StoreUnavailable(f"{self._where} does not answer {what}: {_cause(error)}") from error
        except (orjson.JSONDecodeError, ValidationError) as error:
            raise StoreUnavailable(f"{self._where} answers {what} with what is not InfluxDB's JSON: {error}") from error
        finally:
            if response is not None:  # left in the middle: what is unread must not meet the next request
                response.close()

    def _unavailable(self, what: str, refusal: "_Refused") -> StoreUnavailable:
        if refusal.status in (401, 403):
            check = "the token" if self.address.by_token else "the user and the password"
            return StoreUnavailable(
                f"{self._where} does not allow {what} ({refusal.status}): check {check} in SIAGA_STORE_URL "
                f"and the rights on {self.address.database!r}"
            )
        if refusal.status == 404 or "not found" in refusal.text:
            self._created, self._version = False, None  # the database was dropped, or the server is another one now
        return StoreUnavailable(
            f"{self._where} refuses {what} ({refusal.status}), database {self.address.database!r}: {refusal.text[:200]}"
        )


class _Refused(Exception):
    """The server answered with an error."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status}: {text[:200]}")
        self.status = status
        self.text = text


def _partial(text: str) -> PartialWrite:
    field, dropped = _FIELD.search(text), _DROPPED.search(text)
    return PartialWrite(
        reason=" ".join(text.split())[:300],
        field=(field[1] or field[2]) if field else None,
        dropped=int(dropped[1]) if dropped else None,
    )


def _text_of(error: ApiException) -> str:
    """What the server said: InfluxDB 1 and 3 put it under `error`, 2 under `message`; a proxy says what it likes."""
    body = error.body or error.reason or ""
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        said = None
    if isinstance(said, dict):
        details = said.get("data") or ""  # InfluxDB 3 says line by line what is wrong
        text = f"{said.get('error') or said.get('message') or ''} {details}".strip()
        if text:
            return text
    return body.decode(errors="replace") if isinstance(body, bytes) else str(body)


def _cause(error: Exception) -> str:
    """The last and plainest part of a nested connection error."""
    return (str(error).rpartition(": ")[2] or type(error).__name__)[:200]
