"""A stand-in for InfluxDB 3 Core in front of a real InfluxDB 1.6: it refuses what 3 refuses, in the words of 3.

Observed on 3.8 and read in its source:
- `/query` binds only text, and only names that the statement contains;
- chunks follow each other without a separator, and a statement without results writes none;
- a query that opens more than 432 files of ten minutes is refused;
- a database exists from its first write;
- a field has one type in a whole table.
"""

import gzip
import json
import re
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

import urllib3

FILES = 432
FILE = 10 * 60_000
"""Milliseconds of event time in one file."""
TOKEN = "apiv3_token"
_TO_MS = {"millisecond": 1, "ms": 1, "nanosecond": 1_000_000, "ns": 1_000_000}
_TOO_MANY = (
    "error while planning query: External error: Query would scan 432 Parquet files, exceeding the file limit. "
    "InfluxDB 3 Core caps file access to prevent performance degradation and memory issues. Use a narrower time range, "
    "or increase the limit with --query-file-limit (this may cause slower queries or instability)."
)
_SUFFIXES = {"i": "integer", "u": "uinteger", '"': "string", "t": "boolean", "f": "boolean"}
_FIELD = re.compile(r'(\w+)=("[^"]*"|[^,]+)')


class Influx3:
    """The server. It creates a database of the real server at the first write to it."""

    def __init__(self, behind: str, version: str = "3.8.0") -> None:
        self._behind, self.version = behind, version
        self._lock = Lock()
        self._pool = urllib3.PoolManager(maxsize=8, retries=False, timeout=30)
        self._databases: dict[str, dict[str, set[int]]] = {}
        """Of each database and table the files: which ten minutes of event time they are of."""
        self._types: dict[tuple[str, str, str], str] = {}
        self.statements: list[str] = []
        self.refused = 0
        """Queries that opened too many files."""
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self._thread = Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()
        self._pool.clear()

    def store_url(self, database: str) -> str:
        """Returns the value for `SIAGA_STORE_URL`."""
        return f"influxdb://:{TOKEN}@127.0.0.1:{self._http.server_port}/-/{database}"

    def write(self, query: Mapping[str, str], body: str) -> tuple[int, str]:
        """`/api/v3/write_lp`: drops lines with fields of other types than the table has, and reports them."""
        database, unit = query["db"], _TO_MS[query["precision"]]
        kept, faults = [], []
        with self._lock:
            if database not in self._databases:
                self._real("/query", {"q": f'CREATE DATABASE "{database}"'})
            tables = self._databases.setdefault(database, {})
            for place, line in enumerate(body.splitlines(), 1):
                table = line[: re.search("[, ]", line).start()]  # type: ignore[union-attr] # it is a line
                beginning, _, time = line.rpartition(" ")
                fields = beginning.rpartition(" ")[2]
                fault = self._fault(database, table, fields)
                if fault:
                    faults.append({"original_line": line[:30], "line_number": place, "error_message": fault})
                    continue
                tables.setdefault(table, set()).add(int(time) // unit // FILE)
                kept.append(line)
        self._real("/write", {"db": database, "precision": "ms" if unit == 1 else "ns"}, "\n".join(kept))
        if faults:
            return 400, json.dumps({"error": "partial write of line protocol occurred", "data": faults})
        return 204, ""

    def _fault(self, database: str, table: str, fields: str) -> str | None:
        for name, value in _FIELD.findall(fields):
            kind = _SUFFIXES.get(value[-1] if value[-1] in "iu" else value[0], "float")
            known = self._types.setdefault((database, table, name), kind)
            if known != kind:
                return (
                    f"invalid column type for column '{name}', expected iox::column_type::field::{known}, "
                    f"got iox::column_type::field::{kind}"
                )
        return None

    def query(self, form: Mapping[str, str]) -> str:
        """`/query`: returns the body; its status is always 200."""
        statements = form["q"].split(";")
        with self._lock:
            self.statements += statements
        results: list[dict[str, Any]] = []
        errors = [self._error(statement, form) for statement in statements]
        asked = [place for place, error in enumerate(errors) if error is None]
        if asked:
            these = ";".join(statements[place] for place in asked)
            answer = self._real("/query", {**form, "q": these, "chunked": "true", "chunk_size": "2000"})
            results = [result for text in answer.splitlines() for result in json.loads(text)["results"]]
            for result in results:
                result["statement_id"] = asked[result["statement_id"]]
        results += [{"statement_id": place, "error": error} for place, error in enumerate(errors) if error]
        if form.get("chunked") == "true":
            said = (result for result in results if "series" in result or "error" in result)
            return "".join(json.dumps({"results": [result]}) for result in said)
        return json.dumps({"results": _merged(results, len(statements))})

    def _error(self, statement: str, form: Mapping[str, str]) -> str | None:
        params: dict[str, object] = json.loads(form.get("params", "{}"))
        named = set(re.findall(r"\$(\w+)", statement))
        if form["db"] not in self._databases:
            return f"Cannot retrieve database: External error: database not found: {form['db']}"
        if named != set(params):
            return f"error in InfluxQL statement: parameters {sorted(params)}, the statement names {sorted(named)}"
        if wrong := [value for value in params.values() if not isinstance(value, str)]:
            return f"found literal '{wrong[0]}', expected duration, float, integer, timestamp"
        table = re.search(r'FROM "(\w+)"', statement)
        if statement.startswith("SELECT") and table:
            start, end = (re.search(rf"time {sign} (-?\d+)", statement) for sign in (">=", "<"))
            first = -(2**63) if start is None else int(start[1])
            last = 2**63 if end is None else int(end[1])
            files = self._databases[form["db"]].get(table[1], set())
            if sum(first < (file + 1) * FILE * 1_000_000 and file * FILE * 1_000_000 < last for file in files) > FILES:
                self.refused += 1
                return _TOO_MANY
        return None

    def _real(self, path: str, query: Mapping[str, str], body: str | None = None) -> str:
        """Returns the real server's answer. Without a body, the form is sent as the body."""
        if body is None:
            answer = self._pool.request("POST", self._behind + path, fields=query, encode_multipart=False)
        else:
            answer = self._pool.request("POST", f"{self._behind}{path}?{urlencode(query)}", body=body.encode())
        assert answer.status < 300, answer.data
        return answer.data.decode()


def _merged(results: list[dict[str, Any]], statements: int) -> list[object]:
    """Returns one result for each statement, as without chunks."""
    merged: list[dict[str, Any]] = [{"statement_id": place} for place in range(statements)]
    for result in results:
        whole = merged[result["statement_id"]]
        if "error" in result:
            whole["error"] = result["error"]
        series = whole.setdefault("series", []) if "series" in result else []
        for part in result.get("series", []):
            part.pop("partial", None)
            if series and series[-1].get("tags") == part.get("tags"):
                series[-1]["values"] += part["values"]
            else:
                series.append(part)
    return list(merged)


def _handler(server: Influx3) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            packed = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = (gzip.decompress(packed) if self.headers.get("Content-Encoding") == "gzip" else packed).decode()
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            match parts.path:
                case _ if self.headers.get("Authorization") not in (f"Token {TOKEN}", f"Bearer {TOKEN}"):
                    status, said = 401, '{"error": "the request was not authenticated"}'
                case "/ping":
                    status, said = 200, json.dumps({"version": server.version, "revision": "0"})
                case "/query":
                    status, said = 200, server.query({key: values[0] for key, values in parse_qs(body).items()})
                case "/api/v3/write_lp":
                    status, said = server.write(query, body)
                case _:
                    status, said = 404, "not found"
            self.send_response(status)
            self.send_header("X-Influxdb-Version", server.version)
            self.send_header("X-Influxdb-Build", "Core")
            if status != 204:
                self.send_header("Content-Length", str(len(said.encode())))
            self.end_headers()
            if status != 204:
                self.wfile.write(said.encode())

        do_POST = do_GET  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    return Handler
