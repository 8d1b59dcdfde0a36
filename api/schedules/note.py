"""The morning note: at most ten lines of what somebody has to look at today."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection

from api.queries.morning import MorningFacts, Some, morning_facts
from api.reports.numbers import Numbers
from api.schedules.schedule import Schedule
from api.words import WORDS, Language, Words
from api.words import Language as ReportLanguage

__all__ = ["MOST_LINES", "Note", "compose_note", "note_for"]

MOST_LINES = 10
_LISTED = 4
"""Lines of what is down; the last one counts the others, where they are more."""
_NAMED = 3
"""Things that are named in one line; the others are counted."""


@dataclass(frozen=True, slots=True)
class Note:
    """What a message says."""

    title: str
    body: str


def note_for(connection: Connection, schedule: Schedule, language: str, now: int, link: str | None) -> Note:
    """Returns the note of a schedule at wall time `now`, ms."""
    facts = morning_facts(connection, schedule.scopes, now, schedule.timezone, WORDS[Language(language)])
    return compose_note(facts, language, schedule, link)


def compose_note(facts: MorningFacts, language: str, schedule: Schedule, link: str | None) -> Note:
    """Returns the note about some facts."""
    words, numbers = WORDS[Language(language)], Numbers(ReportLanguage(language))
    lines = list(_lines(facts, words, numbers, schedule.timezone)) or [words("note_nothing")]
    if link is not None:
        lines.append(link)
    scope = words("note_everywhere") if schedule.scopes.everything else ", ".join(facts.scopes)
    day = numbers.date(facts.day)
    return Note(words("note_title", date=day, scope=scope), "\n".join(lines[:MOST_LINES]))


def _lines(facts: MorningFacts, words: Words, numbers: Numbers, zone: str) -> Iterator[str]:
    if facts.down.count:
        yield words("note_down", count=numbers.count(facts.down.count))
        listed = (
            _LISTED - bool(facts.complaints.count) - bool(facts.unheard.count)
        )  # ten lines are for all that there may be
        whole = facts.down.count <= listed
        for one in facts.down.first[: listed if whole else listed - 1]:
            yield words("note_line", what=one.name, time=numbers.time(one.time, zone))
        if not whole:
            rest = Some(facts.down.first[listed - 1 :], facts.down.count - listed + 1)
            yield words("note_more", count=numbers.count(rest.count), names=_names(rest))
    if facts.passed.count:
        yield words("note_passed", count=numbers.count(facts.passed.count), names=_names(facts.passed))
    if facts.missed.count:
        yield words("note_missed", count=numbers.count(facts.missed.count), names=_names(facts.missed))
    if facts.silent.count:
        yield words("note_silent", count=numbers.count(facts.silent.count), names=_names(facts.silent))
    if facts.unheard.count:
        yield words("note_unheard", count=numbers.count(facts.unheard.count), names=_names(facts.unheard))
    if facts.complaints.count:
        yield words(
            "note_complaints",
            count=numbers.count(facts.complaints.count),
            contradicting=numbers.count(facts.contradicting),
            names=_names(facts.complaints),
        )
    if facts.expiring.count:
        names = _names(facts.expiring)
        yield words("note_expiring", count=numbers.count(facts.expiring.count), names=names)


def _names(some: Some) -> str:
    shown = ", ".join(one.name for one in some.first[:_NAMED])
    return f"{shown} …" if some.count > _NAMED else shown
