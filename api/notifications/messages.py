"""What a message says: short enough for a phone, true when it is read late, and about nobody.

In Indonesian or English, by the village's own clock. It names villages, facilities and devices, never people: neither
who has acknowledged nor who else is told. Plain text, since every provider takes that.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from api.notifications.digest import What
from api.notifications.facts import RANKS, Facts
from api.words import WORDS, Language, Words
from siaga.model.sites import Village

__all__ = ["LINES", "Attachment", "Line", "Message", "Tone", "compose", "trial"]

LINES = 8
"""Alerts that are described; the others are counted. A Telegram message takes 4,096 characters, a phone less."""
LONGEST_NAME = 60
NAMED = 3
"""Villages that are named of those that were lost with one; the others are counted."""


class Tone(StrEnum):
    """What a message is, for providers that colour it."""

    FAILURE = "failure"
    WARNING = "warning"
    SUCCESS = "success"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes along where the provider takes one."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """What is given to a provider.

    `path`: the page of what it tells of, for those who have signed in. `topic`: of messages of one topic to one
    recipient the latest counts.
    """

    title: str
    body: str
    tone: Tone
    files: tuple[Attachment, ...] = ()
    path: str | None = None
    topic: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One alert as it is now, and why it is told of. `planned`: until when work was planned on its subject, ms."""

    alert: Facts
    what: What
    planned: int | None = None


@dataclass(frozen=True, slots=True)
class _Described:
    """An alert and its village; `None`: the registry has it no longer. `others`: names of villages lost with it.

    `planned`: as in `Line`.
    """

    alert: Facts
    village: Village | None
    others: tuple[str, ...] = ()
    planned: int | None = None


FindVillage = Callable[[str], Village | None]
"""The village of a code."""


def compose(lines: Sequence[Line], language: str, now: int, find: FindVillage, link: str | None = None) -> Message:
    """The message for these alerts, of which there is at least one.

    `now` is wall time, `link` where the pages are. `find` is asked for the villages of the alerts that are described.
    """
    tongue = Language(language)
    words = WORDS[tongue]
    ordered = sorted(lines, key=lambda line: (line.alert.over, -RANKS.get(line.alert.severity, 0)))
    described = [_described(line, find) for line in ordered[:LINES]]
    villages = {line.alert.village for line in lines}
    head = _head(lines)
    gone = head is What.CLEARED and all(line.alert.taken_out for line in lines)
    what = _what(described[0], len(lines), len(villages), words)
    title = words("message_taken_out", what=what) if gone else words(f"message_head_{head}", what=what)
    body = [_line(line, words, now, show_village=len(villages) > 1) for line in described]
    if len(body) > 1:
        body = [f"- {line}" for line in body]
    if len(ordered) > LINES:
        body.append(words("message_more", count=words.number(len(ordered) - LINES)))
    if head is not What.CLEARED:
        body.append(words("message_severity", severity=words(f"severity_{ordered[0].alert.severity}")))
    alert = ordered[0].alert.id if len(ordered) == 1 else None
    path = f"/alerts/{alert}" if alert is not None else "/alerts"
    if link is not None:
        body.append(f"{link}{path}")
    tone = Tone.INFO if gone else _tone(head, ordered[0].alert.severity)
    return Message(title, "\n".join(body), tone, path=path, topic=alert)


def _described(line: Line, find: FindVillage) -> _Described:
    alert = line.alert
    others = [(code, find(code)) for code in alert.villages[1 : NAMED + 1]]
    return _Described(
        alert,
        find(alert.village),
        tuple(code if found is None else _short(found.name) for code, found in others),
        line.planned,
    )


def trial(language: str) -> Message:
    """What `siaga notify test` sends."""
    words = WORDS[Language(language)]
    return Message(words("message_trial"), words("message_trial_text"), Tone.INFO)


def _head(lines: Sequence[Line]) -> What:
    """What the message as a whole is about: what is still open, and of that what weighs most."""
    still = {line.what for line in lines if not line.alert.over and line.what is not What.CLEARED}
    return next((what for what in (What.ESCALATED, What.WORSE, What.RAISED) if what in still), What.CLEARED)


def _tone(head: What, severity: str) -> Tone:
    if head is What.CLEARED:
        return Tone.SUCCESS
    return Tone.FAILURE if RANKS.get(severity, 0) >= RANKS["major"] else Tone.WARNING


def _what(first: _Described, alerts: int, villages: int, words: Words) -> str:
    if villages > 1:
        return words("message_everywhere", count=words.number(alerts), villages=words.number(villages))
    name = _village(first)
    if alerts > 1:
        return words("message_several", count=words.number(alerts), village=name)
    subject = _subject(first)
    return name if subject == name else words("message_one", subject=subject, village=name)


def _line(line: _Described, words: Words, now: int, *, show_village: bool) -> str:
    alert = line.alert
    zone = line.village.timezone if line.village else "UTC"
    end = (alert.ended_at or alert.cleared_at or now) if alert.over else now
    began, ended = (words.time(at, now, zone) for at in (alert.began_at, end))
    text = words(
        "message_gone" if alert.taken_out else "message_over" if alert.over else "message_open",
        alert=_says(line, words),
        cause=_cause(line, words),
        time=ended if alert.over and not alert.taken_out else began,
        end=ended,
        duration=words.duration(max(0, end - alert.began_at)),
    )
    if not alert.over and line.planned is not None:
        text += words("message_planned", time=words.time(line.planned, now, zone))
    if not alert.over and alert.acknowledged_at is not None:
        text += words("message_taken")
    return f"{_village(line)}: {text}" if show_village else text


def _says(line: _Described, words: Words) -> str:
    """The kind of alert as a sentence about its subject."""
    return words(f"alert_{line.alert.kind}", subject=_subject(line)) + words.clock(line.alert.evidence)


def _subject(line: _Described) -> str:
    alert, village = line.alert, line.village
    if alert.device is not None:
        found = village.device(alert.device) if village else None
        return f"{alert.device} ({_short(found[0].name)})" if found else alert.device
    if alert.facility is not None:
        facilities = village.facilities if village else ()
        name = next((facility.name for facility in facilities if facility.id == alert.facility), alert.facility)
        return _short(name)
    return _village(line)


def _cause(line: _Described, words: Words) -> str:
    """Why, in words, and what else the evidence says in a figure."""
    alert = line.alert
    cause = words.cause("failed", alert.cause) if alert.kind in ("facility_failed", "indicator_missed") else None
    text = f" ({cause})" if cause else ""
    share = alert.evidence.get("availability_high")
    if alert.kind == "indicator_missed" and isinstance(share, int | float):
        text += words("message_share", share=words.percent(share))
    others = len(alert.villages) - 1
    if alert.kind == "village_offline" and others:
        names = ", ".join(line.others) + (" …" if others > len(line.others) else "")
        text += words.count("message_with", others, names=names)
    if "flapping" in alert.evidence and not alert.over:
        text += words("message_flapping")
    return text


def _village(line: _Described) -> str:
    return _short(line.village.name) if line.village else line.alert.village


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
