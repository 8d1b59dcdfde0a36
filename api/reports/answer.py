"""The one way from a question to the bytes of an answer, whichever process goes it."""

from dataclasses import dataclass

import orjson
from sqlalchemy import Connection

from api.queries.report import load
from api.reports.forms import Form, Question, made
from api.reports.office import PLAIN, Office
from api.reports.period import parse_dates, parse_period
from api.reports.report import build
from api.words import Language
from siaga.model.scope import Scopes

__all__ = ["DEADLINE", "Job", "answer", "packed", "unpacked"]

DEADLINE = 120.0
"""Seconds after which a report for HTTP is given up, the wait for its turn included."""


def answer(connection: Connection, question: Question, office: Office = PLAIN) -> bytes:
    """Returns the report that is asked for, from the database, as the bytes of its form."""
    for_people = question.form.compares
    source = load(
        connection,
        question.period,
        question.scopes,
        question.now,
        compared=for_people,
        beside=for_people,
        answered_within=office.answered_within,
    )
    report = build(source, question.period, question.scopes, question.language, question.now)
    return made(report, question.form, office)


def packed(database: str, question: Question, office: Office = PLAIN) -> bytes:
    """Returns a question, the database that answers it and the office's form, as a process takes them."""
    return orjson.dumps(
        {
            "database": database,
            "period": question.period.name,
            "scopes": question.scopes.texts,
            "language": question.language,
            "form": question.form,
            "now": question.now,
            "office": office.model_dump(mode="json") if question.form.compares else None,
        }
    )


@dataclass(frozen=True, slots=True)
class Job:
    """What a process is asked: its question, the URL of the database with its password, the office's form."""

    database: str
    question: Question
    office: Office


def unpacked(job: bytes) -> Job:
    """Returns what `packed` packed."""
    asked = orjson.loads(job)
    name = str(asked["period"])
    start, slash, end = name.partition("/")
    period = parse_dates(start, end) if slash else parse_period(name)
    question = Question(
        period,
        Scopes.of(asked["scopes"]),
        Language(asked["language"]),
        Form(asked["form"]),
        int(asked["now"]),
    )
    office = PLAIN if asked["office"] is None else Office.model_validate_json(orjson.dumps(asked["office"]))
    return Job(str(asked["database"]), question, office)
