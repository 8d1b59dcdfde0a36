"""What counts as an answer to a query: from bytes to documents to series, and every character in them."""

import json

import pytest

from siaga.telemetry.influx_answers import NoAnswer, Nothing, StatementError, documents, read_answer

SERIES = {"name": "telemetry", "tags": {"device": 'a}{"\\'}, "columns": ["time", "power"], "values": [[1, 2.5]]}


def answer(*, statement: int = 0, **result: object) -> bytes:
    return json.dumps({"results": [{"statement_id": statement, **result}]}).encode()


@pytest.mark.parametrize("between", [b"", b"\n", b" \r\n\t"], ids=["InfluxDB 3", "InfluxDB 1", "white space"])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 1 << 16])
def test_documents_are_told_apart_wherever_the_bytes_are_cut(between: bytes, size: int) -> None:
    texts = [answer(statement=number, series=[SERIES]) for number in range(3)]
    whole = between + between.join(texts) + between
    assert list(documents(whole[at : at + size] for at in range(0, len(whole), size))) == texts


def test_the_series_of_all_documents_are_answered_with_their_statements() -> None:
    texts = answer(series=[SERIES | {"partial": True}], partial=True) + answer(statement=4, series=[SERIES, SERIES])
    assert [(index, series.values) for index, series in read_answer([texts])] == [
        (0, [[1, 2.5]]),
        (4, [[1, 2.5]]),
        (4, [[1, 2.5]]),
    ]


@pytest.mark.parametrize("body", [answer(), b'{"results":[]}', answer(series=[])], ids=["a statement", "none", "empty"])
def test_results_without_series_are_an_answer(body: bytes) -> None:
    assert list(read_answer([body])) == []


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"<html>welcome to this hotel's Wi-Fi</html>", "hotel.*not InfluxDB's JSON"),
        (b"OK", "'OK', which is not InfluxDB's JSON"),
        (b'[{"results":[]}]', "not InfluxDB's JSON"),
        (b"null", "not InfluxDB's JSON"),
        (b'{"status":"ok"}', r"status.*has no results"),
        (b'{"results":null}', "has no results"),
        (b'{"results":{}}', "not InfluxDB's JSON"),
        (b'{"results":[{"series":5}]}', "not InfluxDB's JSON"),
        (b"{results}", "not InfluxDB's JSON"),
        (answer(series=[SERIES])[:-9], "breaks off after"),
        (answer(series=[SERIES]) + b"\n502 Bad Gateway", "502 Bad Gateway"),
        (answer(series=[SERIES | {"values": [[1, 2.5], [2]]}]), "whose rows"),
        (answer(series=[SERIES | {"values": [1]}]), "whose rows"),
        (answer(series=[SERIES], partial=True), "not the rest that it announces"),
        (answer(series=[SERIES | {"partial": True}]), "not the rest that it announces"),
        (b'{"results":[{"statement_id":0,"series":[{"columns":["a"],"values":[["' + b"}{" * 9, "breaks off"),
    ],
)
def test_whatever_else_comes_is_none_and_is_named(body: bytes, sentence: str) -> None:
    with pytest.raises(NoAnswer, match=sentence):
        list(read_answer([body]))


@pytest.mark.parametrize("body", [b"", b"\n", b"  "])
def test_nothing_is_no_answer(body: bytes) -> None:
    with pytest.raises(Nothing):
        list(read_answer([body]))


@pytest.mark.parametrize(
    "body",
    [
        b'{"error":"timeout"}',
        b'{"results":[],"error":"timeout"}',
        answer(error="timeout"),
        answer(series=[SERIES]) + answer(statement=1, error="timeout"),
        answer(series=[SERIES]) + b'{"error":"timeout"}',
        answer(series=[SERIES], error="timeout"),
    ],
    ids=["alone", "beside results", "of a statement", "of the second", "at the end", "beside series"],
)
def test_an_error_anywhere_is_one(body: bytes) -> None:
    with pytest.raises(StatementError, match="timeout"):
        list(read_answer([body]))
