"""The process that looks at one large report for a page: a job on standard input, a glance as JSON on standard output.

python -m api.reports.glance_process < JOB > GLANCE
"""

import sys

import orjson
from pydantic import TypeAdapter
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from api.queries.report import load
from api.reports.answer import packed, unpacked
from api.reports.forms import Question
from api.reports.glance import Glance, Part, glance
from api.reports.process import bounded, ended_by
from api.reports.report import build
from siaga.database import connect

__all__ = ["glance_job", "look", "main", "read_glance"]

_GLANCE = TypeAdapter(Glance)


def look(connection: Connection, question: Question, part: Part) -> Glance:
    """Returns what a page shows of the report that is asked for, with the change against earlier periods."""
    source = load(connection, question.period, question.scopes, question.now, compared=True)
    return glance(build(source, question.period, question.scopes, question.language, question.now), part)


def glance_job(database: str, question: Question, part: Part) -> bytes:
    """Returns the job of the process."""
    return orjson.dumps({"job": packed(database, question).decode(), "table": part.table, "start": part.start})


def read_glance(answer: bytes) -> Glance:
    """Returns what the process answered."""
    return _GLANCE.validate_json(answer)


def main() -> int:
    """Look at the report; returns the exit status."""
    bounded()
    asked = orjson.loads(sys.stdin.buffer.read())
    job = unpacked(asked["job"].encode())
    engine = connect(job.database)
    try:
        with engine.connect() as connection:
            found = look(connection, job.question, Part(asked["table"], asked["start"]))
    except (SQLAlchemyError, MemoryError) as problem:
        return ended_by(problem)
    finally:
        engine.dispose()
    sys.stdout.buffer.write(_GLANCE.dump_json(found))
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
