"""The notification rules in words, and who would be told of an alert."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from api.notifications.book import Book, Outside, Recipient, Rule
from api.notifications.facts import RANKS, Facts
from api.notifications.rules import who_is_told
from api.words import Words
from api.words.said import said
from siaga.model.scope import Scopes
from siaga.model.sites import Village
from siaga.timeline.schedule import Schedule, WeeklyWindow

__all__ = ["RuleView", "ToldView", "concerns", "hours_in_words", "recipients_of", "rule_view", "told"]

_DAYS = 7
_HOUR = 60
_DAY = 24 * _HOUR


@dataclass(frozen=True, slots=True)
class RuleView:
    """A rule as the page shows it: names and values. `steps`: what follows if nobody acknowledges."""

    name: str
    facts: Sequence[tuple[str, str]]
    steps: Sequence[str]


@dataclass(frozen=True, slots=True)
class ToldView:
    """Somebody who would be told. `when`: in words; `why`: the rule."""

    person: str
    channel: str
    when: str
    why: str


def concerns(rule: Rule, scopes: Scopes) -> bool:
    """Whether a rule is for a village of some scopes."""
    return not rule.villages or any(_within(pattern, scopes) for pattern in rule.villages)


def recipients_of(book: Book, rules: Iterable[Rule]) -> list[Recipient]:
    """Returns the channels that some rules and their steps name, each once, by person."""
    found = [one for rule in rules for one in book.recipients(rule.tell, rule.by)]
    found += [one for rule in rules for step in rule.escalate for one in book.recipients(step.tell, step.by)]
    return sorted(set(found))


def rule_view(words: Words, book: Book, rule: Rule, scopes: Scopes) -> RuleView:
    """Returns a rule in words. Patterns of villages beside the scopes are left out."""
    facts = [(words("rules_tell"), _who(words, book, rule.tell, rule.by))]
    mine = [pattern for pattern in rule.villages if _within(pattern, scopes)]
    facts.append((words("rules_villages"), ", ".join(mine) if rule.villages else words("rules_all")))
    kinds = [words(f"kind_of_alert_{kind}") for kind in sorted(rule.kinds)]
    facts.append((words("rules_kinds"), ", ".join(kinds) or words("rules_all")))
    severities = [words(f"severity_{one}") for one in reversed(list(RANKS)) if one in rule.severities]
    facts.append((words("rules_severities"), ", ".join(severities) or words("rules_all")))
    if rule.hours is None:
        facts.append((words("rules_hours"), words("rules_always")))
    else:
        outside = words("rules_waits") if rule.outside is Outside.WAIT else words("rules_skips")
        facts.append((words("rules_hours"), f"{hours_in_words(words, rule.hours)}; {outside}"))
    steps = [
        words("rules_step", duration=words.duration(step.after), who=_who(words, book, step.tell, step.by))
        for step in rule.escalate
    ]
    return RuleView(rule.name, facts, steps)


def told(
    words: Words, book: Book, facts: Facts, village: Village, now: int
) -> tuple[list[ToldView], list[ToldView], list[tuple[str, str]]]:
    """Returns who would be told of an alert of a village at `now`, who would be next, and what the other rules say."""
    duty = who_is_told(book, facts, [village], now)
    first = [
        ToldView(who.person, who.channel, _when(words, book, at, now, village), _why(words, reason))
        for who, (at, reason) in sorted(duty.told.items())
    ]
    later = [
        ToldView(
            who.person,
            who.channel,
            words("rules_unless", time=words.time(deadline.due + book.gather, now, village.timezone)),
            deadline.rule,
        )
        for deadline in sorted(duty.deadlines, key=lambda one: one.due)
        for who in book.recipients(deadline.tell, deadline.by)
    ]
    matched = {reason.partition(": ")[0] for _, reason in duty.told.values()} | {one.rule for one in duty.deadlines}
    others = [(rule, said(words, reason)) for rule, reason in duty.reasons.items() if rule not in matched]
    return first, later, others


def hours_in_words(words: Words, schedule: Schedule) -> str:
    """Returns a schedule as people say it."""
    if schedule.always:
        return words("rules_always")
    parts = [words("rules_night")] if schedule.night else []
    return ", ".join([*parts, *(_window(words, window) for window in schedule.windows)])


def _window(words: Words, window: WeeklyWindow) -> str:
    days = sorted(window.days)
    names = [words.weekday(day) for day in days]
    in_a_row = len(days) > 2 and days[-1] - days[0] == len(days) - 1
    named = words("rules_daily") if len(days) == _DAYS else f"{names[0]}–{names[-1]}" if in_a_row else ", ".join(names)
    end = window.end if window.end <= _DAY else window.end - _DAY
    text = f"{named} {_clock(words, window.start)}–{_clock(words, end)}"
    return text if window.on_holidays else f"{text}, {words('rules_not_on_holidays')}"


def _clock(words: Words, minute: int) -> str:
    return words("rules_clock", hour=f"{minute // _HOUR:02d}", minute=f"{minute % _HOUR:02d}")


def _who(words: Words, book: Book, tell: Sequence[str], by: frozenset[str]) -> str:
    names = [f"{name} ({', '.join(book.groups[name])})" if name in book.groups else name for name in tell]
    return words("rules_by", who=", ".join(names), channels=", ".join(sorted(by))) if by else ", ".join(names)


def _when(words: Words, book: Book, at: int, now: int, village: Village) -> str:
    if at > now:
        return words("rules_from", time=words.time(at, now, village.timezone))
    return words("rules_gathered", duration=words.duration(book.gather)) if book.gather else words("rules_at_once")


def _why(words: Words, reason: str) -> str:
    rule, _, why = reason.partition(": ")
    return f"{rule}: {said(words, why)}"


def _within(pattern: str, scopes: Scopes) -> bool:
    """Whether a rule's pattern is for a village that may be seen: a code, or how codes begin, before a `*`."""
    if not pattern.endswith("*"):
        return scopes.holds(pattern)
    start = pattern[:-1]
    return scopes.everything or any(one.text.startswith(start) or start.startswith(f"{one.text}.") for one in scopes)
