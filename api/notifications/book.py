"""Who is to be told of what, as everything here knows it: people, groups and rules.

The YAML file that people write is read by `api.notifications.book_file`; this is what it means, checked and complete.
Durations are milliseconds.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from siaga.model.clock import MINUTE
from siaga.timeline.schedule import Schedule

__all__ = ["PUSH", "Book", "Outside", "Person", "Recipient", "Rule", "Step"]

PUSH = "push"
"""What rules call all browsers of a person that take push messages."""

GATHER = MINUTE
"""How long alerts of one village are gathered for one message, where the file does not say."""
REPEAT_AFTER = 2 * MINUTE
"""How long a message of which nobody knows whether the provider took it is not sent again, where the file is silent."""


class Outside(StrEnum):
    """What a rule does with an alert that comes outside its hours."""

    SKIP = "skip"
    WAIT = "wait"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can be told. `channels`: Apprise URLs by the name of the channel; they are secrets."""

    name: str
    language: str
    channels: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Step:
    """Who is told next when nobody has acknowledged an alert `after` it was told of. No `by`: all their channels."""

    after: int
    tell: tuple[str, ...]
    by: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Rule:
    """Whom to tell of which alerts. What is empty (or `None`) restricts nothing.

    `villages` are codes, or the beginning of codes followed by `*`.
    """

    name: str
    tell: tuple[str, ...]
    villages: tuple[str, ...] = ()
    kinds: frozenset[str] = frozenset()
    severities: frozenset[str] = frozenset()
    hours: Schedule | None = None
    outside: Outside = Outside.SKIP
    by: frozenset[str] = frozenset()
    escalate: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class Recipient:
    """One channel of one person: what a message is addressed to."""

    person: str
    channel: str

    def __str__(self) -> str:
        return f"{self.person}/{self.channel}"


@dataclass(frozen=True, slots=True)
class Book:
    """A notify file. `link` is where the pages are, without a slash at its end.

    `spoken`: the languages of channels that have another than their person, by `PERSON/CHANNEL`.
    """

    people: Mapping[str, Person] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    link: str | None = None
    gather: int = GATHER
    repeat_after: int = REPEAT_AFTER
    spoken: Mapping[str, str] = field(default_factory=dict)

    def current(self) -> "Book":
        """Returns the book as it is now: what is decided in one go is decided by one, also where it is replaced."""
        return self

    def recipients(self, names: Iterable[str], by: frozenset[str] = frozenset()) -> list[Recipient]:
        """The channels of people and of the people of groups, each once; a name that is in no file is nobody's."""
        found: dict[Recipient, None] = {}
        for name in names:
            for member in self.groups.get(name, (name,)):
                person = self.people.get(member)
                for channel in person.channels if person else ():
                    if not by or channel in by or (PUSH in by and channel.startswith(f"{PUSH}-")):
                        found[Recipient(member, channel)] = None
        return list(found)

    def after(self, rule: str, step: int) -> int:
        """How long after an alert is told of a step of a rule follows, ms; 0 where the file has the step no longer."""
        steps = next((one.escalate for one in self.rules if one.name == rule), ())
        return steps[step - 1].after if 0 < step <= len(steps) else 0

    def url(self, recipient: str) -> str | None:
        """The Apprise URL of `PERSON/CHANNEL`: a secret. `None`: the file has it no longer."""
        person, _, channel = recipient.partition("/")
        return self.people[person].channels.get(channel) if person in self.people else None

    def language(self, recipient: str) -> str:
        """The language of the person of `PERSON/CHANNEL`; Indonesian where the file has the person no longer."""
        if recipient in self.spoken:
            return self.spoken[recipient]
        person = self.people.get(recipient.partition("/")[0])
        return person.language if person else "id"
