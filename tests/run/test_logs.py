"""What the log is made of."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from siaga.mqtt.way import WAY, tell_way
from siaga.run.logs import set_up_logs, tell_the_way
from siaga.wire.batch import BatchId


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """A log that nobody watches on a terminal."""
    root = logging.getLogger()
    handlers, level, before = root.handlers[:], root.level, structlog.get_config()
    stream = io.StringIO()
    set_up_logs(stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**before)


SENT = 'a\nb\r\n{"event": "forged", "level": "info"}\x1b[31m\u2028'


@pytest.mark.parametrize("of_a_library", [False, True], ids=["ours", "a library's"])
def test_a_line_that_somebody_sends_makes_no_second_one(log: io.StringIO, of_a_library: bool) -> None:
    if of_a_library:
        logging.getLogger("paho").warning("topic %s", SENT)
    else:
        structlog.get_logger("test").warning("refused", topic=SENT)
    lines = log.getvalue().split("\n")
    assert lines[1:] == [""], "one line"
    found = json.loads(lines[0])
    assert SENT in (found.get("topic"), found["event"].removeprefix("topic "))
    assert "\x1b" not in lines[0], "no terminal obeys it"


def test_the_way_of_a_batch_is_told_only_when_asked_for(log: io.StringIO) -> None:
    try:
        tell_way("batch_judged", BatchId("e", 1), "35.10.15.2012")
        assert log.getvalue() == ""
        tell_the_way()
        tell_way("batch_judged", BatchId("e", 1), "35.10.15.2012")
        structlog.get_logger("urllib3").debug("connection")
        assert [json.loads(line)["batch"] for line in log.getvalue().splitlines()] == ["e/1"]
    finally:
        logging.getLogger(WAY).setLevel(logging.NOTSET)
