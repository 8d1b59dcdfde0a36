"""Waiting in tests: on a condition with a deadline, never for a time."""

import time
from collections.abc import Callable
from typing import TypeVar

__all__ = ["until"]

T = TypeVar("T")


def until(condition: Callable[[], T], timeout: float = 10, what: str = "") -> T:
    """The first true answer of `condition`, asked again every few milliseconds; an AssertionError after `timeout` s."""
    deadline = time.monotonic() + timeout
    pause = 0.002
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {what or condition}; the last answer was {answer!r}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)
    return answer
