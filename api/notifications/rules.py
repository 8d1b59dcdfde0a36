"""Who is told of an alert, and when: pure, and each answer with its reason."""

from collections.abc import Sequence
from dataclasses import dataclass

from api.notifications.book import Book, Outside, Recipient, Rule
from api.notifications.facts import Facts
from siaga.model.clock import DAY, MINUTE
from siaga.model.sites import Village
from siaga.timeline.schedule import Schedule, required

__all__ = ["Deadline", "Duty", "Match", "applies", "told_of_village", "who_is_told"]

LOOK_AHEAD = 8 * DAY
"""How far ahead the hours of a rule are looked for: a rule for one day of the week has its next within this."""


@dataclass(frozen=True, slots=True)
class Match:
    """Whether a rule is for an alert, and why. `at`: when its people may be told; `None`: they are not."""

    reason: str
    at: int | None


@dataclass(frozen=True, slots=True)
class Deadline:
    """Who is to be told at `due` if nobody has acknowledged the alert by then: one step of a rule."""

    rule: str
    step: int
    due: int
    tell: tuple[str, ...]
    by: frozenset[str]


@dataclass(frozen=True, slots=True)
class Duty:
    """Who is told of an alert: when and why by recipient; who is next; and what each rule said, for the log."""

    told: dict[Recipient, tuple[int, str]]
    deadlines: list[Deadline]
    reasons: dict[str, str]


def who_is_told(book: Book, alert: Facts, villages: Sequence[Village], now: int) -> Duty:
    """Who is told of an alert that was raised, or got worse. Nobody is told twice: the first rule that says so counts.

    `villages`: all that it concerns, of which there is at least one; a rule for one of them is for the alert. A snoozed
    alert waits until the snooze ends.
    """
    told: dict[Recipient, tuple[int, str]] = {}
    deadlines: list[Deadline] = []
    reasons: dict[str, str] = {}
    for rule in book.rules:
        matches = [applies(rule, alert, village, now) for village in villages]
        match = min((one for one in matches if one.at is not None), key=_when, default=matches[0])
        reasons[rule.name] = match.reason
        if match.at is None:
            continue
        at = max(match.at, alert.snoozed_until or 0)
        for recipient in book.recipients(rule.tell, rule.by):
            if recipient not in told or at < told[recipient][0]:
                told[recipient] = at, f"{rule.name}: {match.reason}"
        deadlines += [
            Deadline(rule.name, number, at + step.after, step.tell, step.by)
            for number, step in enumerate(rule.escalate, 1)
        ]
    return Duty(told, deadlines, reasons)


def told_of_village(book: Book, village: Village, severity: str, now: int) -> dict[Recipient, int]:
    """Returns who is told, and when, of something about a village that is no alert.

    They are those of the rules for the village that are not for some kinds of alerts alone. Outside of a rule's hours
    it waits for them.
    """
    told: dict[Recipient, int] = {}
    for rule in book.rules:
        if rule.kinds or (rule.severities and severity not in rule.severities):
            continue
        if rule.villages and not any(_covers(pattern, village.code) for pattern in rule.villages):
            continue
        at = now if rule.hours is None else _opens(rule.hours, village, now)
        for recipient in book.recipients(rule.tell, rule.by) if at is not None else ():
            told[recipient] = min(at or now, told.get(recipient, at or now))
    return told


def _when(match: Match) -> int:
    return match.at or 0


def applies(rule: Rule, alert: Facts, village: Village, now: int) -> Match:
    """Whether a rule is for an alert of a village at wall time `now`: its restrictions one by one, the hours last."""
    other = _other(rule, alert, village.code)
    if other is not None:
        return Match(other, None)
    if rule.hours is None:
        return Match("at any time", now)
    opens = _opens(rule.hours, village, now)
    if opens == now:
        return Match("within its hours", now)
    if rule.outside is Outside.SKIP or opens is None:
        return Match("outside its hours", None)
    return Match("waits for its hours", opens)


def _other(rule: Rule, alert: Facts, code: str) -> str | None:
    """What keeps an alert from being the rule's, whatever the time."""
    if rule.villages and not any(_covers(pattern, code) for pattern in rule.villages):
        return "other villages"
    if rule.kinds and alert.kind not in rule.kinds:
        return "other kinds"
    if rule.severities and alert.severity not in rule.severities:
        return "other severities"
    return None


def _covers(pattern: str, code: str) -> bool:
    return code.startswith(pattern[:-1]) if pattern.endswith("*") else code == pattern


def _opens(hours: Schedule, village: Village, now: int) -> int | None:
    """`now` within the hours, else when they begin next, by the village's clock and sun."""
    minute = now - now % MINUTE
    windows: Sequence[tuple[int, int]] = required(hours, village, minute, now + LOOK_AHEAD)
    after = [start for start, end in windows if end > now]
    return max(now, after[0]) if after else None
