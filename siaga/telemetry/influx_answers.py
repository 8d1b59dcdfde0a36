"""Parses InfluxDB's answers to queries: splits the bytes into JSON documents, and checks each for errors.

Only a document with a list of `results` is an answer. 1.x, 2.x and openGemini write one document per line, 3 writes
them without a separator. The error of a statement is inside its result on some servers, and next to the list on others.
"""

import re
from collections.abc import Iterable, Iterator

import orjson
from pydantic import BaseModel, ConfigDict, SkipValidation, ValidationError

__all__ = ["NoAnswer", "Nothing", "Series", "StatementError", "documents", "read_answer"]

DOCUMENT_MAX = 256 << 20
"""Bytes of one document at most. A chunk has ten thousand rows; an answer without chunks is one document."""

_SIGN = re.compile(rb'[{}"]')
_END_OF_STRING = re.compile(rb'(?:[^"\\]|\\.)*"', re.DOTALL)
_BETWEEN = re.compile(rb"\s*")


class NoAnswer(Exception):
    """The response is not an answer to a query. The message says what it is instead."""


class Nothing(NoAnswer):
    """The response has no document. A chunked InfluxDB 3 sends this if nothing was found; other servers may, too."""


class StatementError(Exception):
    """The server reports an error for a statement. The message is the server's."""


class Series(BaseModel):
    """One series of an answer, or a part of it. Its rows may be millions, so they are checked when they are read."""

    model_config = ConfigDict(extra="ignore")
    tags: dict[str, str] = {}
    columns: list[str]
    values: SkipValidation[list[list[object]]] = []
    partial: bool = False


class _Result(BaseModel):
    statement_id: int = 0
    series: list[Series] = []
    error: str | None = None
    partial: bool = False


class _Answer(BaseModel):
    results: list[_Result] | None = None
    error: str | None = None


def documents(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Yields the concatenated JSON objects in the bytes, with or without white space between them.

    An object ends with its closing brace; braces inside strings do not count. Memory holds one object and one part.

    Raises:
        NoAnswer: there is something other than an object, or the bytes end within one.
    """
    held = bytearray()
    at = depth = 0
    for part in parts:
        held += part
        while True:
            if not depth:
                del held[: _BETWEEN.match(held).end()]  # type: ignore[union-attr] # it also matches the empty string
                at = 0
                if held and held[:1] != b"{":
                    raise NoAnswer(f"{_shown(held)}, which is not InfluxDB's JSON")
            sign = _SIGN.search(held, at)
            if sign is None:
                at = len(held)
                break
            if sign[0] == b'"':
                end = _END_OF_STRING.match(held, sign.end())
                if end is None:
                    at = sign.start()  # the rest of the string is still to come
                    break
                at = end.end()
                continue
            at = sign.end()
            depth += 1 if sign[0] == b"{" else -1
            if not depth:
                yield bytes(held[:at])
                del held[:at]
        if len(held) > DOCUMENT_MAX:
            raise NoAnswer(f"a document of more than {DOCUMENT_MAX >> 20} MB")
    if held:
        raise NoAnswer(f"an answer that breaks off after {_shown(held[-60:])}")


def read_answer(parts: Iterable[bytes]) -> Iterator[tuple[int, Series]]:
    """Yields the series of an answer as they arrive, each with its statement's index.

    Raises:
        NoAnswer: it is not an answer, or it ends although the server announced more.
        Nothing: it has no document.
        StatementError: the server refuses a statement.
    """
    answered, unfinished = False, False
    for text in documents(parts):
        answer = _read(text)
        if answer.results is None:
            if answer.error:
                raise StatementError(answer.error)
            raise NoAnswer(f"{_shown(text)}, which has no results")
        for result in answer.results:
            if error := result.error or answer.error:
                raise StatementError(error)
            for series in result.series:
                if series.values and _widths(series.values) != {len(series.columns)}:
                    raise NoAnswer(f"{_shown(text)}, whose rows are not as long as its columns are many")
                yield result.statement_id, series
            unfinished = result.partial or any(series.partial for series in result.series)
        if answer.error:
            raise StatementError(answer.error)
        answered = True
    if not answered:
        raise Nothing("nothing")
    if unfinished:
        raise NoAnswer("a part of an answer, and not the rest that it announces")


def _widths(rows: list[list[object]]) -> set[int]:
    try:
        return set(map(len, rows))
    except TypeError:  # a row is not a list
        return set()


def _read(text: bytes) -> _Answer:
    try:
        return _Answer.model_validate(orjson.loads(text))
    except (orjson.JSONDecodeError, ValidationError):
        raise NoAnswer(f"{_shown(text)}, which is not InfluxDB's JSON") from None


def _shown(text: bytes | bytearray) -> str:
    """Returns the beginning of a response on one line."""
    return repr(" ".join(bytes(text[:200]).decode(errors="replace").split())[:80])
