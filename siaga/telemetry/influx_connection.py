"""HTTP to an InfluxDB 1.x, 2.x or 3.x: versions, credentials, and the meaning of its answers.

Each request is one attempt; the caller decides about retries. Every failure that may be temporary is a
`StoreUnavailable`, whose sentence names the server and contains no secret. Only the documented success counts: 204 for
a write, 200 for a query, InfluxDB's own headers for a ping. Any other response (a proxy's sign-in page, another server
on that port) means that nothing was stored.
"""

import gzip
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from urllib.parse import urlencode

import orjson
import structlog
import urllib3
from pydantic import BaseModel, Field, ValidationError

from siaga.model.clock import SECOND
from siaga.telemetry import StoreUnavailable
from siaga.telemetry.influx_address import InfluxAddress
from siaga.telemetry.influx_answers import NoAnswer, Nothing, Series, StatementError, read_answer
from siaga.telemetry.influx_http import Http, took_too_long, where_to, words_of

__all__ = ["InfluxConnection", "NoBucket", "PartialWrite", "Rejected", "TimedOut", "TooLarge", "TooMuch", "identifier"]

QUERY_TIMEOUT = 30_000
"""Read timeout of a query, ms: without any byte of the answer."""
QUERY_DEADLINE = 60.0
"""Deadline of the whole answer to a query, in seconds, however steadily it arrives."""
PARAMS_SINCE = (3, 7)
"""The first InfluxDB 3 whose `/query` supports bound parameters. Earlier ones reject `$village`."""
PING_TIMEOUT = 5_000
"""Read timeout of a ping, ms."""
ONE_LINE_WITHIN = 8.0
"""Timeout of a write of one or two lines, in seconds: InfluxDB 3 acknowledges once a second, an SD card is slower."""
REFUSAL_MAX = 1 << 20
"""Bytes of a refusal that are read. InfluxDB 3 describes every bad line of a request."""
PACK_FROM = 1_024
"""Bodies of at least so many bytes are compressed with gzip, to about a twentieth. Every InfluxDB supports it."""

_log = structlog.get_logger(__name__)
_FORM = "application/x-www-form-urlencoded"
_LINES = "text/plain; charset=utf-8"
_PRECISIONS = {"ms": "millisecond", "ns": "nanosecond"}  # as InfluxDB 3 spells them
# Headers that identify an InfluxDB and its version, and openGemini's own.
_VERSION, _BUILD, _GEMINI = "X-Influxdb-Version", "X-Influxdb-Build", "X-Geminidb-Version"
_GEMINI_SHOWS_AFTER = 5 * SECOND  # openGemini shows a new series after one or two
# The same error in the words of InfluxDB 1 | 2.7 and 1.11 | openGemini | InfluxDB 3 Cloud.
_OUTLIVED = "beyond retention|outside retention|time is expired|outside (of )?the retention"
# What servers say when they took some points but not others, or will never be able to read a line.
_DATA_FAULT = re.compile(
    r"partial write|field type conflict|invalid column type|line protocol pars|parsing failed for write_lp"
    rf"|unable to parse|out of range|{_OUTLIVED}",
    re.IGNORECASE,
)
_BEYOND_RETENTION = re.compile(_OUTLIVED, re.IGNORECASE)
# Before the first write, openGemini and InfluxDB 3 report an error. A cluster may also do so briefly after it.
_NO_MEASUREMENT = re.compile(r"(measurement|table|retention policy)( \S+)? not found", re.IGNORECASE)
_NO_DATABASE = re.compile(r"database( \S+)? not found", re.IGNORECASE)
# InfluxDB 3 Core's file limit | 1.x's and openGemini's limits of a query | a killed query | InfluxDB 3's memory limit
_TOO_MUCH = re.compile(
    r"file limit|max-select-\w+|query-timeout|\btimed? ?out\b|resources exhausted|exceeds? memory", re.IGNORECASE
)
_FIELD = re.compile(r"""input field "(\w+)"|column '(\w+)'""")  # InfluxDB 1 and 2, openGemini | InfluxDB 3
_DROPPED = re.compile(r"dropped=(\d+)|dropped (\d+) points")
_TIMED_OUT = re.compile(r"\btime(d )?-?out\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PartialWrite:
    """The server refused some of the points of a request.

    `field`: the field that it named. `dropped`: how many points it counted. Both are hints: with several shards, the
    server reports only one of them, and it is not certain what else it took.
    """

    reason: str
    field: str | None
    dropped: int | None

    @property
    def beyond_retention(self) -> bool:
        """Returns whether points were refused because of their time: beyond retention, or too far in the future."""
        return _BEYOND_RETENTION.search(self.reason) is not None

    @property
    def series_limit(self) -> bool:
        """Whether a limit of series, or of a tag's values, is reached. Existing series are still accepted."""
        return "limit exceeded" in self.reason


class TimedOut(StoreUnavailable):
    """The request was sent, at least in part, but timed out. It is not certain what was written."""


class Rejected(StoreUnavailable):
    """The server refused the request in unknown words: perhaps because of its lines, perhaps not."""


class TooMuch(StoreUnavailable):
    """The server refuses a query because of its size. It may answer a smaller one."""


class NoBucket(StoreUnavailable):
    """The server has no bucket of this name, or no such organisation."""


class TooLarge(Exception):
    """The request is larger than the server, or a proxy, accepts."""


class _Done(BaseModel):
    error: str | None = None


class _Rule(BaseModel):
    type: str = "expire"
    everySeconds: int = 0  # noqa: N815 - the server's name


class _Bucket(BaseModel):
    retentionRules: list[_Rule] = []  # noqa: N815 - as above


class _Buckets(BaseModel):
    buckets: list[_Bucket]


class _Administered(BaseModel):
    """The answer to a statement. An object without `results` is not InfluxDB's."""

    results: list[_Done] = Field(min_length=1)
    error: str | None = None

    @property
    def problem(self) -> str | None:
        """The server's error message; `None` if there is none."""
        return self.error or next((result.error for result in self.results if result.error), None)


def identifier(name: str) -> str:
    """Returns a quoted name for InfluxQL."""
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


class InfluxConnection:
    """One server and database. It connects with the first request. Thread-safe."""

    def __init__(self, address: InfluxAddress) -> None:
        self.address = address
        self._http = Http(address)
        self._version: tuple[int, int] | None = None
        self._is_influxdb = True
        """Whether the server identifies as InfluxDB. openGemini does not, but has the same API."""
        self._created = False

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    @property
    def shows_after(self) -> int:
        """How long a new series may not be shown although its first point is durable, ms."""
        return 0 if self._is_influxdb else _GEMINI_SHOWS_AFTER

    @property
    def _where(self) -> str:
        return f"InfluxDB at {self.address.base}"

    def version(self) -> tuple[int, int]:
        """Returns the server's version from `/ping`, which is cached. Without a number, the form of the URL decides.

        Raises:
            StoreUnavailable: there is no answer, or the server does not identify as InfluxDB or openGemini.
        """
        if self._version is None:
            try:
                with self._call("/ping", "GET", "a ping", timeout=PING_TIMEOUT, yes=(200, 204)) as response:
                    self._version = self._version_of(response)
            except _Refused as refusal:
                raise self._unavailable("a ping", refusal) from None
            _log.info("influxdb found", server=self.address.base, version=self._version)
        return self._version

    def _version_of(self, ping: urllib3.BaseHTTPResponse) -> tuple[int, int]:
        self._is_influxdb = _GEMINI not in ping.headers
        if not self._is_influxdb:
            return 1, 0  # it speaks what InfluxDB 1 spoke before 1.8
        if _VERSION not in ping.headers and _BUILD not in ping.headers:
            raise StoreUnavailable(
                f"{self._where} answers a ping with {ping.status} ({words_of(ping)}) and without InfluxDB's headers: "
                "it is another server, or a proxy's page; check SIAGA_STORE_URL"
            )
        found = re.search(r"(\d+)\.(\d+)", ping.headers.get(_VERSION, ""))
        if found:
            return int(found[1]), int(found[2])
        return (1, 0) if self.address.org is None else (2, 0)

    def answers(self) -> bool:
        """Returns whether the server answers a ping now. If it does not, it is down, whatever was asked before."""
        self._version = None
        try:
            self.version()
        except StoreUnavailable:
            return False
        return True

    @property
    def is_influxdb_1(self) -> bool:
        """Whether it is an InfluxDB 1 with a database of its own: there, siaga may set retention policies."""
        return self.version()[0] == 1 and self._is_influxdb and self.address.org is None

    def prepare(self) -> None:
        """Get the version, and create the database of an InfluxDB 1, if the user may. This is done once."""
        if self._created:
            return
        version = self.version()
        if (3, 0) <= version < PARAMS_SINCE:
            self._version = None  # checked again next time: it may have been upgraded
            raise StoreUnavailable(
                f"{self._where} is version {version[0]}.{version[1]}, whose /query ignores bound parameters: "
                f"upgrade it to {PARAMS_SINCE[0]}.{PARAMS_SINCE[1]} or newer"
            )
        if version[0] == 1 and self.address.org is None:
            self.administer(f"CREATE DATABASE {identifier(self.address.database)}")
        self._created = True

    def administer(self, statement: str) -> bool:
        """Run a statement. Returns False if the user is not allowed to."""
        try:
            with self._call(
                "/query", "POST", "a statement", form={"q": statement}, headers={"Content-Type": _FORM},
                timeout=QUERY_TIMEOUT,
            ) as response:  # fmt: skip
                error = _Administered.model_validate_json(response.read()).problem
            refusal = _Refused(200, error) if error else None
        except _Refused as error_status:
            refusal = error_status
        if refusal is None:
            return True
        if refusal.status == 403 or "not authorized" in refusal.text:
            _log.info("influxdb does not allow a statement", statement=statement, reason=refusal.text[:200])
            return False
        raise self._unavailable("a statement", refusal)

    def bucket_kept_for(self) -> int | None:
        """Returns for how many seconds an InfluxDB 2 keeps the points of the bucket.

        `None`: for ever, or the token may not see the bucket. Its InfluxQL says `0s` of every bucket. Who comes with a
        user and a password, as to an InfluxDB 1, is a stranger to this API.

        Raises:
            NoBucket: there is no such bucket.
        """
        query = {"name": self.address.database} | ({"org": self.address.org} if self.address.org else {})
        try:
            with self._call("/api/v2/buckets", "GET", "what it keeps", query=query, timeout=PING_TIMEOUT) as response:
                found = _Buckets.model_validate_json(response.read(REFUSAL_MAX)).buckets
        except _Refused as refusal:
            if refusal.status == 403 or (refusal.status in (401, 404) and self.address.org is None):
                return None
            if refusal.status == 404:
                raise NoBucket(f"{self._where} has no bucket {self.address.database!r}: {refusal.text[:200]}") from None
            raise self._unavailable("what it keeps", refusal) from None
        rules = [rule.everySeconds for bucket in found for rule in bucket.retentionRules if rule.type == "expire"]
        return min((seconds for seconds in rules if seconds), default=None)

    def write(
        self,
        lines: Sequence[str],
        precision: str,
        *,
        within: float = ONE_LINE_WITHIN,
        lines_at_fault: bool = False,
        policy: str | None = None,
        packed: bool = True,
    ) -> PartialWrite | None:
        """Write lines in one request. Returns `None` if the server confirmed that all are durable.

        Args:
            within: timeout in seconds.
            lines_at_fault: a refusal in unknown words counts as a refusal of lines.
            policy: of an InfluxDB 1, the retention policy to write into; without one, the default.
            packed: compress the body, unless it is small.

        Raises:
            TooLarge: nothing was written; a smaller request may be.
            TimedOut: it is not certain what was written; a smaller request may succeed.
            Rejected: the server refused the request in unknown words.
            StoreUnavailable: it is not certain what was written.
        """
        self.prepare()
        path, query, headers = self._way_of_writing(precision)
        if policy is not None:
            path, query = "/write", {"db": self.address.database, "rp": policy, "precision": precision}
        body = "\n".join(lines).encode()
        if packed and len(body) >= PACK_FROM:
            body = gzip.compress(body, compresslevel=1)
            headers["Content-Encoding"] = "gzip"
        timeout = round(within * 1000)
        try:
            with self._call(
                path, "POST", "writing", query=query, headers=headers, body=body, timeout=timeout, yes=(204,)
            ):
                return None
        except _Refused as refusal:
            if refusal.status == 413:
                raise TooLarge from None
            if refusal.status in (408, 504) or (refusal.status >= 500 and _TIMED_OUT.search(refusal.text)):
                raise TimedOut(str(self._unavailable("writing", refusal))) from None
            if refusal.status not in (400, 422):
                raise self._unavailable("writing", refusal) from None
            if lines_at_fault or _DATA_FAULT.search(refusal.text):
                return _partial(refusal.text)
            raise Rejected(str(self._unavailable("writing", refusal))) from None

    def _way_of_writing(self, precision: str) -> tuple[str, dict[str, str], dict[str, str]]:
        """Returns path, query and headers of a write, for the server's version."""
        version, address = self.version(), self.address
        headers = {"Content-Type": _LINES}
        if version[0] >= 3:  # with the older APIs, it refuses a whole request because of one line
            if address.secret:
                headers["Authorization"] = f"Bearer {address.secret}"
            query = {"db": address.database, "precision": _PRECISIONS[precision]}
            return "/api/v3/write_lp", {**query, "accept_partial": "true", "no_sync": "false"}, headers
        by_bucket = address.org is not None if version[0] == 2 else version >= (1, 8)
        if by_bucket and not (version[0] == 2 and address.user):
            query = {"bucket": address.database, "org": address.org or "-", "precision": precision}
            return "/api/v2/write", query, headers
        # also InfluxDB 2 with user and password, or with a database that the URL names without ORG
        return "/write", {"db": address.database, "precision": precision}, headers

    def query(
        self,
        statements: Sequence[str],
        params: Mapping[str, str] | None = None,
        *,
        within: float = QUERY_DEADLINE,
        small: bool = False,
    ) -> Iterator[tuple[int, Series]]:
        """Yields the result series of InfluxQL statements as they arrive, each with its statement's index.

        A series of more than a few thousand rows arrives in several parts, in order. Memory holds one part at a time.
        A measurement that was never written has no series.

        Args:
            params: bound text. Every statement must name each of them: InfluxDB 3 refuses unused ones. It also refuses
                bound numbers as times.
            within: deadline in seconds.
            small: the answer has at most one row per series.

        Raises:
            TooMuch: the server refuses to answer so much at once. What was yielded before is incomplete.
            TimedOut: it took longer than `within` seconds, or no byte arrived for `QUERY_TIMEOUT`.
            StoreUnavailable: the server is down or refuses, or it is not an InfluxDB.
        """
        self.prepare()
        is_3 = self.version()[0] >= 3
        try:
            try:
                yield from self._ask(statements, params or {}, within=within, chunked=not (small and is_3))
            except Nothing:
                if not is_3 or small:
                    raise
                # With chunks, InfluxDB 3 sends no document if nothing was found. Without chunks, it sends an empty one.
                yield from self._ask(statements, params or {}, within=within, chunked=False)
        except NoAnswer as error:
            self._version = None  # it may be another server
            raise StoreUnavailable(f"{self._where} answers a query with {error}: check SIAGA_STORE_URL") from None
        except StatementError as error:
            self._refused_query(_Refused(200, str(error)))
        except _Refused as refusal:
            self._refused_query(refusal)

    def _refused_query(self, refusal: "_Refused") -> None:
        """Return if the refusal means that there is no data.

        Raises:
            TimedOut, TooMuch, StoreUnavailable: it means something else.
        """
        if _NO_MEASUREMENT.search(refusal.text):
            return
        if _NO_DATABASE.search(refusal.text) and (self.version()[0] >= 3 or not self._is_influxdb):
            self._created = False  # the first write, or `prepare`, creates it
            return
        failure = self._unavailable("a query", refusal)
        if refusal.status in (408, 504):  # a proxy's timeout
            raise TimedOut(str(failure))
        # InfluxDB 3 Core sometimes refuses too many files with an empty body
        silent = refusal.status == 500 and refusal.text.strip() in ("", "Internal Server Error")
        if silent or _TOO_MUCH.search(refusal.text):
            raise TooMuch(str(failure))
        raise failure

    def _ask(
        self,
        statements: Sequence[str],
        params: Mapping[str, str],
        *,
        within: float,
        chunked: bool = True,
    ) -> Iterator[tuple[int, Series]]:
        form = {"q": ";".join(statements), "epoch": "ms", "db": self.address.database}
        if chunked:
            form["chunked"] = "true"
        if params:
            form["params"] = orjson.dumps(params).decode()
        timeout = min(QUERY_TIMEOUT, round(within * 1000))
        with self._call(
            "/query", "POST", "a query", form=form, headers={"Content-Type": _FORM}, timeout=timeout
        ) as response:
            yield from read_answer(self._in_time(response, within))

    def _in_time(self, response: urllib3.BaseHTTPResponse, within: float) -> Iterator[bytes]:
        """Yields the bytes of an answer as they arrive.

        Raises:
            TimedOut: all of it takes longer than `within` seconds.
        """
        ends = monotonic() + within
        for part in response.stream(1 << 16):
            yield part
            if monotonic() > ends:
                raise TimedOut(f"{self._where} does not answer a query: not done within {within:g} s")

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
        yes: Sequence[int] = (200,),
    ) -> Iterator[urllib3.BaseHTTPResponse]:
        """Send one request. Yields the answer, whose body is read within the `with` block.

        `yes`: the statuses that mean success.

        Raises:
            _Refused: the status is 400 or higher.
            StoreUnavailable: any other status, which is not InfluxDB's, or no answer.
        """
        response: urllib3.BaseHTTPResponse | None = None
        try:
            response = self._http.request(
                method,
                path,
                query=query,
                headers=headers,
                body=body or urlencode(form or {}).encode(),
                send_within=timeout / 1000,
                answer_within=timeout / 1000,
            )
            if response.status >= 400:
                raise _Refused(response.status, _text_of(response))
            if response.status not in yes:
                raise self._no_answer(what, response, yes)
            yield response
            response.drain_conn()
            response.release_conn()
            response = None
        except (urllib3.exceptions.HTTPError, OSError) as error:
            sentence = f"{self._where} does not answer {what}: {_cause(error)}"
            if took_too_long(error):
                raise TimedOut(sentence) from error
            self._version = None  # another server may answer next time
            raise StoreUnavailable(sentence) from error
        except (orjson.JSONDecodeError, ValidationError) as error:
            raise StoreUnavailable(f"{self._where} answers {what} with what is not InfluxDB's JSON: {error}") from error
        finally:
            if response is not None:  # not read to its end: the next request must not get the rest
                response.close()

    def _no_answer(self, what: str, response: urllib3.BaseHTTPResponse, yes: Sequence[int]) -> StoreUnavailable:
        """Returns the error for a status that is neither success nor refusal: nothing was done."""
        self._version = None  # it may be another server
        if 300 <= response.status < 400:
            leads = f"{response.status}, a redirect to {where_to(response)}, which is not followed"
            return StoreUnavailable(f"{self._where} answers {what} with {leads}: check SIAGA_STORE_URL")
        return StoreUnavailable(
            f"{self._where} answers {what} with {response.status} ({words_of(response)}), where InfluxDB answers "
            f"{' or '.join(map(str, yes))}: it is another server, or a proxy's page; check SIAGA_STORE_URL"
        )

    def _unavailable(self, what: str, refusal: "_Refused") -> StoreUnavailable:
        if refusal.status in (401, 403):
            check = "the token" if self.address.by_token else "the user and the password"
            return StoreUnavailable(
                f"{self._where} does not allow {what} ({refusal.status}): check {check} in SIAGA_STORE_URL "
                f"and the rights on {self.address.database!r}"
            )
        if refusal.status == 404 or "not found" in refusal.text:
            version = self._version
            self._created, self._version = False, None  # the database was dropped, or it is another server now
            if version is not None and version[0] == 2 and self.address.org is None:
                return StoreUnavailable(
                    f"{self._where} is an InfluxDB 2 without a database {self.address.database!r} ({refusal.status}): "
                    "put the organisation in place of - into SIAGA_STORE_URL, influxdb://:TOKEN@HOST:8086/ORG/BUCKET"
                )
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
    words = " ".join(text.split())[:300]
    return PartialWrite(
        reason=f"beyond the store's retention: {words}" if _BEYOND_RETENTION.search(text) else words,
        field=(field[1] or field[2]) if field else None,
        dropped=int(dropped[1] or dropped[2]) if dropped else None,
    )


def _text_of(refusal: urllib3.BaseHTTPResponse) -> str:
    """Returns the error message. InfluxDB 1 and 3 have it under `error`, 2 under `message`. A proxy sends any text."""
    body = refusal.read(REFUSAL_MAX)
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        said = None
    if isinstance(said, dict):
        details = said.get("data") or ""  # InfluxDB 3's errors per line
        text = f"{said.get('error') or said.get('message') or ''} {details}".strip()
        if text:
            return text
    return body.decode(errors="replace") or refusal.reason or ""


def _cause(error: Exception) -> str:
    """Returns the innermost message of a nested connection error."""
    return (str(error).rpartition(": ")[2] or type(error).__name__)[:200]
