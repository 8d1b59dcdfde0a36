"""How a device's answers change the next request: a request that timed out is not repeated unchanged, nor for ever."""

from functools import reduce

import pytest

from gateway.pollers.interface import AT_ONCE, Agent, Answer, Reach, Said, Unasked, Values
from gateway.pollers.patience import LONGEST, MAX_PAUSE, SHORTEST, Patience
from siaga.sites.poll_address import HostAddress

MINUTE, HOUR = 60_000, 3_600_000
HOST = HostAddress("192.0.2.8", None)
SILENT = Unasked("no answer", slow=True)
ERROR = Unasked("an error", spoke=True)
GOOD, SLOW = Values({"1.3": 1}, version="1"), Values({"1.3": 1}, version="1", slow=True)
NO = Said(yes=False, how="no answer")


def after(*answers: Answer) -> Patience:
    return reduce(Patience.after, answers, Patience())


@pytest.mark.parametrize(
    ("answers", "version", "at_once", "timeout", "pause"),
    [
        ([], None, 16, 5_000, 0),
        ([GOOD], "1", 16, 5_000, 0),
        ([GOOD, SILENT], "1", 8, 10_000, 0),
        ([GOOD, SILENT, SILENT], None, 4, 20_000, 0),
        ([SILENT] * 3, None, 2, 20_000, 2 * MINUTE),
        ([SILENT] * 4, None, 1, 20_000, 4 * MINUTE),
        ([SILENT] * 50, None, 1, 20_000, 4 * MINUTE),
        ([*[SILENT] * 50, GOOD], "1", 2, 5_000, 0),
        ([*[SILENT] * 50, GOOD, GOOD, GOOD, GOOD], "1", 16, 5_000, 0),
        ([*[SILENT] * 50, ERROR], None, 1, 5_000, 0),
        ([GOOD, SLOW], "1", 8, 5_000, 0),
        ([NO] * 50, None, 16, 5_000, 0),
    ],
    ids=[
        "nothing is known",
        "it speaks version 1",
        "a request timed out: half the objects, twice the time",
        "twice: it may be another agent by now",
        "silent: half as often",
        "silent for long: a quarter as often",
        "never less",
        "it is back: as often as before at once",
        "and as many objects, poll by poll",
        "an error is an answer",
        "one request of several timed out",
        "that nobody answers a probe is what it observes",
    ],
)
def test_after(answers: list[Answer], version: str | None, at_once: int, timeout: int, pause: int) -> None:
    patience = after(*answers)
    question = patience.asked(Agent(HOST, ("1.3",), ()))
    assert isinstance(question, Agent)
    assert (question.version, question.at_once) == (version, at_once)
    assert question == Agent(HOST, ("1.3",), ()), "the question is the same"
    assert patience.timeout(MINUTE) == timeout
    assert patience.pause(MINUTE) == pause


@pytest.mark.parametrize("every", [100, 1_000, 10_000, MINUTE, HOUR])
def test_one_poll_is_over_before_the_next_and_none_waits_for_long(every: int) -> None:
    for silent in range(10):
        patience = Patience(silent=silent)
        assert SHORTEST <= patience.timeout(every) <= max(SHORTEST, every // 2)
        assert patience.timeout(every) <= 4 * LONGEST
        assert patience.pause(every) <= every + MAX_PAUSE


def test_a_probe_is_asked_as_it_is() -> None:
    assert after(*[SILENT] * 9).asked(Reach(HOST)) == Reach(HOST)
    assert AT_ONCE == 16
