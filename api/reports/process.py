"""The process that makes one large report: a job on standard input, the report on standard output.

    python -m api.reports.process < JOB > REPORT

The exit status is 0, or 1 with the reason, a packed sentence, as the last line on standard error.
"""

import gc
import os
import resource
import sys

from sqlalchemy.exc import SQLAlchemyError

from api.reports.answer import DEADLINE, answer, unpacked
from api.reports.forms import CannotSet
from api.words import Explained, Sentence
from siaga.database import connect

__all__ = ["bounded", "ended_by", "main", "surroundings", "why"]

NICENESS = 10
"""On a busy machine alerts go first."""
MOST_MEMORY = 2 << 30
"""Bytes of address space."""


def surroundings() -> dict[str, str]:
    """Returns the environment of such a process.

    One arena of the C library's allocator, and what is free goes back at once: by default typst took up to 630 MB
    for a district's month.
    """
    return os.environ | {"MALLOC_ARENA_MAX": "1", "MALLOC_TRIM_THRESHOLD_": "131072"}


def bounded() -> None:
    """Give this process a low priority, and bounds of memory and time."""
    # A report makes a million objects and hardly a cycle: looking for them took a quarter of the time of a JSON
    gc.disable()
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    # It ends by itself also when nobody is left who would end it
    resource.setrlimit(resource.RLIMIT_CPU, (int(DEADLINE), int(DEADLINE) + 5))


def why(problem: SQLAlchemyError | Explained | MemoryError) -> Sentence:
    """Returns why a report was not made, for people."""
    if isinstance(problem, Explained):
        return problem.sentence
    if isinstance(problem, MemoryError):
        return Sentence("made_no_memory", {"most": str(MOST_MEMORY >> 20)})
    # Its text may hold a statement; its kind says enough
    return Sentence("made_no_database", {"kind": type(problem).__name__})


def ended_by(problem: SQLAlchemyError | Explained | MemoryError) -> int:
    """Write why, as the last line on standard error; returns the exit status."""
    sys.stderr.write(f"{why(problem).packed()}\n")
    return 1


def main() -> int:
    """Make the report; returns the exit status."""
    bounded()
    job = unpacked(sys.stdin.buffer.read())
    engine = connect(job.database)
    try:
        with engine.connect() as connection:
            report = answer(connection, job.question, job.office)
    except (SQLAlchemyError, CannotSet, MemoryError) as problem:
        return ended_by(problem)
    finally:
        engine.dispose()
    sys.stdout.buffer.write(report)
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
