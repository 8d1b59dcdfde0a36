"""The notify file: people, groups and rules as an administrator writes them in YAML (docs/notifications.md).

The addresses in it are secrets: no mistake shows one.
"""

import re
from collections.abc import Callable, Collection
from pathlib import Path

from api.notifications.book import GATHER, PUSH, REPEAT_AFTER, Book, Outside, Person, Rule, Step
from siaga.model.alert_kinds import SEVERITIES, Kind
from siaga.model.clock import HOUR, MINUTE
from siaga.model.durations import format_duration, parse_duration
from siaga.sites.mistakes import Mistakes, Section, SitesFileError
from siaga.sites.on_disk import read_text
from siaga.sites.yaml_tree import Mapping, Node, Scalar, Sequence
from siaga.timeline.schedule import Schedule, parse_schedule
from siaga.wire.topics import is_slug, is_village_code

__all__ = ["CheckUrl", "SitesFileError", "load_book", "read_book"]

CheckUrl = Callable[[str], object]
"""Given an Apprise URL; raises ValueError with a sentence that does not show it when there is no such channel."""

_FILE_KEYS = ("link", "gather", "repeat_after", "people", "groups", "rules")
_RULE_KEYS = ("name", "tell", "villages", "kinds", "severities", "hours", "outside", "by", "escalate")
_SEVERITIES = tuple(dict.fromkeys(SEVERITIES.values()))
_REPEAT_AFTER = (MINUTE, HOUR)
"""A sender gives a provider half a minute; for longer than an hour nobody may wait for an alert because of a crash."""


def load_book(path: Path, check: CheckUrl) -> Book:
    """The notify file at a path.

    Raises:
        SitesFileError: it has mistakes; all of them are in it, each with its line.
        ValueError: it cannot be read.
    """
    return read_book(read_text(path), str(path), check)


def read_book(text: str, filename: str, check: CheckUrl) -> Book:
    """The people, groups and rules of a notify file.

    Raises:
        SitesFileError: it has mistakes; all of them are in it, each with its line.
    """
    mistakes = _Discreet(filename)
    root = mistakes.root(text, needed="people")
    book = Book() if root is None else _Reader(mistakes, check).file(root)
    mistakes.raise_if_any()
    return book


class _Discreet(Mistakes):
    """Mistakes that do not show an address, wherever in the file it stands."""

    def note(self, line: int, key: str, value: str | None, message: str) -> None:
        if "://" in key + message:
            key, message = "", "has no meaning here: an address stands where none belongs"
        super().note(line, key, '"…://…"' if value is not None and "://" in value else value, message)


class _Reader:
    """Reads one file; remembers which names are taken, and where."""

    def __init__(self, mistakes: Mistakes, check: CheckUrl) -> None:
        self._mistakes, self._check = mistakes, check
        self._names: dict[str, int] = {}
        self._rules: dict[str, int] = {}
        self._channels: dict[str, None] = {}

    def file(self, root: Node) -> Book:
        top = Section(self._mistakes, root, "people", _FILE_KEYS)
        for key in ("people", "rules"):
            if top.node(key) is None:
                top.missing(key)
        people = [self._person(node) for node in top.items("people")]
        groups = [self._group(node, [person.name for person in people]) for node in top.items("groups")]
        return Book(
            people={person.name: person for person in people},
            groups=dict(groups),
            rules=tuple(self._rule(node) for node in top.items("rules")),
            link=_link(top),
            gather=_duration(top, "gather", 0, HOUR, GATHER),
            repeat_after=_duration(top, "repeat_after", *_REPEAT_AFTER, REPEAT_AFTER),
        )

    def _person(self, node: Node) -> Person:
        section = Section(self._mistakes, node, "people", ("name", "language", "channels"))
        name = self._name(section, self._names, "person or group")
        language = section.choice("language", ("id", "en"), "a language: id or en")
        channels = {}
        for channel, value in section.pairs("channels"):
            if not is_slug(channel):
                self._mistakes.note(value.line, channel, None, f"is not a name: {_SLUG}")
            if channel.partition("-")[0] == PUSH:
                self._mistakes.note(value.line, channel, None, "is what siaga calls browsers: name it otherwise")
            if isinstance(value, Scalar) and value.text.strip():
                channels[channel] = value.text.strip()
                self._channels[channel] = None
                self._check_url(value, channel)
            else:
                self._mistakes.note(value.line, channel, None, "is not the address of a channel")
        if not channels and (section.node("channels") is None or isinstance(section.node("channels"), Mapping)):
            self._mistakes.note(section.line, "channels", None, "is missing: nobody is told without a channel")
        return Person(name, language or "id", channels)

    def _check_url(self, value: Scalar, channel: str) -> None:
        try:
            self._check(value.text.strip())
        except ValueError as problem:
            self._mistakes.note(value.line, channel, None, str(problem))

    def _group(self, node: Node, people: Collection[str]) -> tuple[str, tuple[str, ...]]:
        section = Section(self._mistakes, node, "groups", ("name", "people"))
        name = self._name(section, self._names, "person or group")
        return name, self._listed(section, "people", people, "a person of this file", required=True)

    def _rule(self, node: Node) -> Rule:
        section = Section(self._mistakes, node, "rules", _RULE_KEYS)
        hours = _hours(section)
        if section.node("outside") is not None and section.node("hours") is None:
            section.mistake("outside", "has no use without hours")
        return Rule(
            name=self._name(section, self._rules, "rule"),
            tell=self._tell(section),
            villages=self._villages(section),
            kinds=frozenset(self._listed(section, "kinds", tuple(Kind), "a kind of alert")),
            severities=frozenset(self._listed(section, "severities", _SEVERITIES, "a severity")),
            hours=hours,
            outside=Outside(section.choice("outside", tuple(Outside), "one of these") or Outside.SKIP),
            by=self._by(section),
            escalate=self._steps(section),
        )

    def _steps(self, rule: Section) -> tuple[Step, ...]:
        steps: list[Step] = []
        for node in rule.items("escalate"):
            section = Section(self._mistakes, node, "escalate", ("after", "tell", "by"))
            if section.node("after") is None:
                section.missing("after")
            after = _duration(section, "after", MINUTE, 30 * 24 * HOUR, 0)
            if after and steps and after <= steps[-1].after:
                section.mistake("after", "is not later than the step before it; all count from the first message")
            steps.append(Step(after, self._tell(section), self._by(section)))
        return tuple(steps)

    def _tell(self, section: Section) -> tuple[str, ...]:
        return self._listed(section, "tell", tuple(self._names), "a person or group of this file", required=True)

    def _by(self, section: Section) -> frozenset[str]:
        return frozenset(
            self._listed(section, "by", (*self._channels, PUSH), "a channel of anybody in this file, or push")
        )

    def _villages(self, section: Section) -> tuple[str, ...]:
        found = []
        for node in section.items("villages"):
            text = node.text if isinstance(node, Scalar) else ""
            if is_village_code(text) or _BEGINNING.fullmatch(text):
                found.append(text)
            else:
                self._mistakes.note_at(
                    node, "villages", 'is not the code of a village, nor the beginning of one such as "35.10.*"'
                )
        return tuple(found)

    def _listed(
        self, section: Section, key: str, choices: Collection[str], what: str, *, required: bool = False
    ) -> tuple[str, ...]:
        """The words of a list, each one of some; one word alone is a list of one."""
        node = section.node(key)
        if node is None and not required:
            return ()
        nodes = [node] if isinstance(node, Scalar) else section.items(key)
        if not nodes and (node is None or isinstance(node, Sequence)):
            self._mistakes.note(section.line_of(key), key, None, "is missing: name at least one")
        found = []
        for word in nodes:
            if isinstance(word, Scalar) and word.text in choices:
                found.append(word.text)
            else:
                self._mistakes.note_at(word, key, f"is not {what}: {_some(choices)}")
        return tuple(found)

    def _name(self, section: Section, taken: dict[str, int], what: str) -> str:
        name = section.parsed("name", _slug, required=True) or ""
        if name and name in taken:
            section.mistake("name", f"is the name of another {what}, in line {taken[name]}")
        elif name:
            taken[name] = section.line_of("name")
        return name


_BEGINNING = re.compile(r"[0-9]{2}\.(?:[0-9]{2}\.(?:[0-9]{2}\.)?)?\*", re.ASCII)
"""A province, a regency or a district, and all villages of it."""
_SLUG = "1 to 64 of a-z, 0-9, _ and -, a letter or digit first"


def _some(choices: Collection[str]) -> str:
    """Words to choose from, the first of them where they are many."""
    listed = list(choices)
    return ", ".join(listed[:12]) + (f" and {len(listed) - 12} more" if len(listed) > 12 else "") or "there is none"


def _slug(text: str) -> str:
    if not is_slug(text):
        raise ValueError(f"is not a name: {_SLUG}")
    return text


def _link(section: Section) -> str | None:
    node = section.node("link")
    if node is None:
        return None
    text = node.text if isinstance(node, Scalar) else ""
    if text.startswith(("https://", "http://")) and text.isprintable() and not set(text) & set(" @?#") and text[8:]:
        return text.rstrip("/")
    section.mistake("link", "is not the address of the pages: it begins with http or https, and holds no password")
    return None


def _duration(section: Section, key: str, low: int, high: int, default: int) -> int:
    duration = section.parsed(key, parse_duration)
    if duration is None:
        return default
    if not low <= duration <= high:
        section.mistake(key, f"is not from {format_duration(low)} to {format_duration(high)}")
    return duration


def _hours(section: Section) -> Schedule | None:
    node = section.node("hours")
    if node is None:
        return None
    entries = node.items if isinstance(node, Sequence) else [node]
    texts = tuple(entry.text for entry in entries if isinstance(entry, Scalar) and entry.type == "str")
    if len(texts) < len(entries):
        section.mistake("hours", "is not a text or a list of texts, such as night or Mon-Sat 18:00-06:00")
        return None
    try:
        return parse_schedule(texts)
    except ValueError as problem:
        section.mistake("hours", f"is not a schedule: {problem}")
        return None
