"""Waiting in tests: on a condition with a deadline, never for a time."""

import time
from collections.abc import Callable
from typing import TypeVar

__all__ = ["PATIENCE", "until"]

T = TypeVar("T")

PATIENCE = 40.0
"""Seconds that a test waits for what should come soon. A loaded machine may stand still for many of them, and only a
test that fails waits so long. What siaga would find without a call, after a minute, comes later."""


def until(condition: Callable[[], T], timeout: float = PATIENCE, what: str = "") -> T:
    """The first true answer of `condition`, asked again every few milliseconds; an AssertionError after `timeout` s.

    Give a `timeout` only if it is longer, or if siaga promises to be as fast.
    """
    deadline = time.monotonic() + timeout
    pause = 0.002
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {what or condition}; the last answer was {answer!r}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)
    return answer
