"""The schedules file: what is sent when, as an administrator writes it in YAML (docs/schedules.md)."""

import re
from collections.abc import Collection
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from api.notifications.book import Book
from api.reports.forms import Form
from api.reports.period import Unit
from api.schedules.schedule import Plan, Schedule, Send
from api.words import Language
from siaga.model.clock import HOUR, MINUTE
from siaga.model.local_time import NO_VILLAGES_ZONE
from siaga.model.scope import EVERYWHERE, NotAScope, Scopes, parse_scope
from siaga.sites.mistakes import Mistakes, Section, SitesFileError
from siaga.sites.on_disk import read_text
from siaga.sites.yaml_tree import Node, Scalar, Sequence
from siaga.wire.topics import is_slug

__all__ = ["SitesFileError", "load_schedules", "read_schedules"]

_KEYS = ("name", "send", "every", "at", "on", "timezone", "scope", "language", "formats", "tell", "by")
_NOT_OF_A_NOTE = ("every", "on", "formats")
_UNITS = (Unit.DAY, Unit.WEEK, Unit.MONTH, Unit.QUARTER)
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
_LAST_DAY = 28
"""Every month has it."""


def load_schedules(path: Path, book: Book) -> Plan:
    """Returns the schedules of a file, to people of the notify file.

    Raises:
        SitesFileError: it has mistakes; all of them are in it, each with its line.
        ValueError: it cannot be read.
    """
    return read_schedules(read_text(path), str(path), book)


def read_schedules(text: str, filename: str, book: Book) -> Plan:
    """Returns the schedules that a text describes.

    Raises:
        SitesFileError: it has mistakes; all of them are in it, each with its line.
    """
    mistakes = Mistakes(filename)
    root = mistakes.root(text, needed="schedules")
    plan = Plan() if root is None else _Reader(mistakes, book).file(root)
    mistakes.raise_if_any()
    return plan


class _Reader:
    """Reads one file; remembers which names are taken, and where."""

    def __init__(self, mistakes: Mistakes, book: Book) -> None:
        self._mistakes, self._book = mistakes, book
        self._names: dict[str, int] = {}

    def file(self, root: Node) -> Plan:
        top = Section(self._mistakes, root, "schedules", ("timezone", "schedules"))
        if top.node("schedules") is None:
            top.missing("schedules")
        timezone = top.parsed("timezone", _timezone) or NO_VILLAGES_ZONE
        return Plan(tuple(self._schedule(node, timezone) for node in top.items("schedules")))

    def _schedule(self, node: Node, timezone: str) -> Schedule:
        section = Section(self._mistakes, node, "schedules", _KEYS)
        send = Send(section.choice("send", tuple(Send), "what a schedule sends") or Send.REPORT)
        every = Unit.DAY
        if send is Send.NOTE:
            for key in _NOT_OF_A_NOTE:
                if section.node(key) is not None:
                    section.mistake(key, "has no use in a note, which is a text of each morning")
        else:
            every = Unit(section.choice("every", _UNITS, "how often", required=True) or Unit.DAY)
        return Schedule(
            name=self._name(section),
            tell=self._listed(section, "tell", [*self._book.people, *self._book.groups], "of the notify file"),
            send=send,
            every=every,
            at=section.parsed("at", _at, required=True) or 0,
            on=_on(section, every) if send is Send.REPORT else 0,
            timezone=section.parsed("timezone", _timezone) or timezone,
            scopes=section.parsed("scope", _scope) or EVERYWHERE,
            language=Language(section.choice("language", ("id", "en"), "a language") or "id"),
            formats=tuple(Form(text) for text in self._formats(section)) or (Form.PDF,),
            by=frozenset(self._by(section)),
        )

    def _formats(self, section: Section) -> tuple[str, ...]:
        if section.node("formats") is None:
            return ()
        return self._listed(section, "formats", tuple(Form), "a form of a report")

    def _by(self, section: Section) -> tuple[str, ...]:
        if section.node("by") is None:
            return ()
        channels = {name for person in self._book.people.values() for name in person.channels}
        return self._listed(section, "by", sorted(channels), "a channel of anybody in the notify file")

    def _listed(self, section: Section, key: str, choices: Collection[str], what: str) -> tuple[str, ...]:
        """The words of a list, each one of some; one word alone is a list of one."""
        node = section.node(key)
        nodes = [node] if isinstance(node, Scalar) else section.items(key)
        if not nodes and (node is None or isinstance(node, Sequence)):
            self._mistakes.note(section.line_of(key), key, None, "is missing: name at least one")
        found = []
        for word in nodes:
            if isinstance(word, Scalar) and word.text in choices:
                found.append(word.text)
            else:
                there = ", ".join(list(choices)[:12]) or "there is none"
                self._mistakes.note_at(word, key, f"is not {what}: {there}")
        return tuple(found)

    def _name(self, section: Section) -> str:
        name = section.parsed("name", _slug, required=True) or ""
        if name in self._names:
            section.mistake("name", f"is the name of another schedule, in line {self._names[name]}")
        elif name:
            self._names[name] = section.line_of("name")
        return name


def _on(section: Section, every: Unit) -> int:
    """How many days after its period a schedule is due."""
    node = section.node("on")
    if node is None:
        return 0
    text = node.text.lower() if isinstance(node, Scalar) else ""
    if every is Unit.WEEK and text in _DAYS:
        return _DAYS.index(text)
    if every in (Unit.MONTH, Unit.QUARTER) and text.isascii() and text.isdecimal() and 1 <= int(text) <= _LAST_DAY:
        return int(text) - 1
    section.mistake(
        "on",
        {
            Unit.DAY: "has no use in what is sent every day",
            Unit.WEEK: f"is not a day of the week: {', '.join(_DAYS)}",
        }.get(every, f"is not a day of the month from 1 to {_LAST_DAY}"),
    )
    return 0


def _at(text: str) -> int:
    match = _CLOCK.fullmatch(text)
    if match is None:
        raise ValueError("is not a time of day such as 07:00")
    return int(match[1]) * HOUR + int(match[2]) * MINUTE


def _timezone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("is not a time zone such as Asia/Jakarta, Asia/Makassar or Asia/Jayapura") from None
    return text


def _scope(text: str) -> Scopes:
    try:
        return Scopes((parse_scope(text),))
    except NotAScope as problem:
        raise ValueError(str(problem)) from None


def _slug(text: str) -> str:
    if not is_slug(text):
        raise ValueError("is not a name: 1 to 64 of a-z, 0-9, _ and -, a letter or digit first")
    return text
