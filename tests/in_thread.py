"""Runs coroutines in a thread of their own: a browser that a test before has opened keeps a loop in the main one."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["run"]

T = TypeVar("T")


def run(work: Coroutine[object, object, T]) -> T:
    """Returns what a coroutine returns, or raises what it raises."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()
