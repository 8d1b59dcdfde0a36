"""The process that makes one large report: a job on standard input, the report on standard output.

    python -m api.reports.process < JOB > REPORT

The exit status is 0, or 1 with the reason as the last line on standard error.
"""

import os
import resource
import sys

from sqlalchemy.exc import SQLAlchemyError

from api.reports.answer import DEADLINE, answer, unpacked
from api.reports.forms import CannotSet
from siaga.database import connect

__all__ = ["bounded", "main"]

NICENESS = 10
"""On a busy machine alerts go first."""
MOST_MEMORY = 2 << 30
"""Bytes of address space."""


def bounded() -> None:
    """Give this process a low priority, and bounds of memory and time."""
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    # It ends by itself also when nobody is left who would end it
    resource.setrlimit(resource.RLIMIT_CPU, (int(DEADLINE), int(DEADLINE) + 5))


def main() -> int:
    """Make the report; returns the exit status."""
    bounded()
    job = unpacked(sys.stdin.buffer.read())
    engine = connect(job.database)
    try:
        with engine.connect() as connection:
            report = answer(connection, job.question, job.office)
    except SQLAlchemyError as problem:
        # Its text may hold a statement; its kind says enough
        sys.stderr.write(f"the database did not answer: {type(problem).__name__}\n")
        return 1
    except CannotSet as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    except MemoryError:
        sys.stderr.write(f"the report needs more than {MOST_MEMORY >> 20} MB of memory: ask for a narrower scope\n")
        return 1
    finally:
        engine.dispose()
    sys.stdout.buffer.write(report)
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
