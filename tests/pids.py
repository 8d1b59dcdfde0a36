"""Processes by their ids: stopped, continued and killed, each with its children.

A process of many threads goes on for a moment after SIGSTOP was sent to it. So `freeze` and `kill` wait until it has
stopped or ended.
"""

import contextlib
import os
import signal
from pathlib import Path

from tests.wait import until

__all__ = ["freeze", "kill", "thaw"]

WITHIN = 60.0
"""Seconds that the kernel may take to stop each thread of a process, or to end it."""


def freeze(pid: int) -> None:
    """Stop a process and then its children, as on a machine that hangs. Returns when each thread stands still."""
    _send(pid, signal.SIGSTOP)
    until(lambda: _states(pid) <= {"T", "Z", "X"}, WITHIN, f"each thread of process {pid} stands still")
    for child in _children(pid):  # now it makes no more
        freeze(child)


def thaw(pid: int) -> None:
    """Let a frozen process and its children go on."""
    for child in _children(pid):
        thaw(child)
    _send(pid, signal.SIGCONT)


def kill(pid: int) -> None:
    """`kill -9` for a process and its children. Returns when nothing is left of them but what `wait` collects."""
    freeze(pid)
    every = _family(pid)
    for each in every:
        _send(each, signal.SIGKILL)
    until(lambda: all(_states(each) <= {"Z", "X"} for each in every), WITHIN, f"the processes {every} are gone")


def _family(pid: int) -> list[int]:
    return [pid, *(member for child in _children(pid) for member in _family(child))]


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):  # it ended meanwhile
        os.kill(pid, number)


def _children(pid: int) -> list[int]:
    """The processes that a process's main thread has started, such as the sessions of PostgreSQL."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it ended meanwhile
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def _states(pid: int) -> set[str]:
    """The states of a process's threads, as proc(5) has them: T is stopped, Z and X are ended. None if it is gone."""
    states = set()
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it, or one of its threads, ended meanwhile
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                states.add((thread / "stat").read_text().rpartition(")")[2].split()[0])
    return states
