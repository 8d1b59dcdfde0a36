"""What an InfluxDB answers to a query: its documents found in the bytes, and every sign in them looked at.

Only a document with a list of `results` is an answer. 1.x, 2.x and openGemini write one document a line, 3 writes them
one behind the other with nothing between; some put the error of a statement beside its results, some beside the list.
"""

import re
from collections.abc import Iterable, Iterator

import orjson
from pydantic import BaseModel, ConfigDict, SkipValidation, ValidationError

__all__ = ["NoAnswer", "Nothing", "Series", "StatementError", "documents", "read_answer"]

DOCUMENT_MAX = 256 << 20
"""Bytes of one document at most: a chunk has ten thousand rows, an answer that is not chunked has what was asked."""

_SIGN = re.compile(rb'[{}"]')
_END_OF_STRING = re.compile(rb'(?:[^"\\]|\\.)*"', re.DOTALL)
_BETWEEN = re.compile(rb"\s*")


class NoAnswer(Exception):
    """What came is no answer to a query. The message says what came instead."""


class Nothing(NoAnswer):
    """No document came at all. InfluxDB 3 answers so in chunks where no statement found anything; so does a wall."""


class StatementError(Exception):
    """The server says that it cannot answer a statement. The message is the server's."""


class Series(BaseModel):
    """One series of an answer, or a part of it. The rows are checked where they are read: there are millions."""

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
    """The JSON objects that stand one behind the other in the bytes, whatever white space is or is not between them.

    An object ends where its braces do; braces inside of strings are none. Memory holds one object and one part.

    Raises:
        NoAnswer: something else than an object stands there, or the bytes end inside of one.
    """
    held = bytearray()
    at = depth = 0
    for part in parts:
        held += part
        while True:
            if not depth:
                del held[: _BETWEEN.match(held).end()]  # type: ignore[union-attr] # it matches also nothing
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
    """The series of an answer, each with its statement's index, as they arrive.

    Raises:
        NoAnswer: what came is none, or it breaks off where the server said that more follows.
        Nothing: nothing came.
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
    except TypeError:  # something else than a list stands there
        return set()


def _read(text: bytes) -> _Answer:
    try:
        return _Answer.model_validate(orjson.loads(text))
    except (orjson.JSONDecodeError, ValidationError):
        raise NoAnswer(f"{_shown(text)}, which is not InfluxDB's JSON") from None


def _shown(text: bytes | bytearray) -> str:
    """What came, short and on one line."""
    return repr(" ".join(bytes(text[:200]).decode(errors="replace").split())[:80])
