"""The trail of an alert in words: what people said and did, and who was told and whether it arrived. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from api.notifications.book import PUSH
from api.queries.alert_list import ListedAlert
from api.queries.alert_page import Entry
from api.queries.told import Awaited, MessageState, Told
from api.words import Words
from api.words.said import said

__all__ = ["TrailLine", "awaited_lines", "channel_name", "message_words", "trail_lines"]

_MARKS = {"sent": "met", "dead": "failed"}


@dataclass(frozen=True, slots=True)
class TrailLine:
    """One line of the trail in words. `mark`: `met` and `failed` where a message arrived or did not."""

    time: str
    actor: str
    what: str
    text: str | None = None
    mark: str = ""


def trail_lines(
    words: Words, alert: ListedAlert, entries: Sequence[Entry], told: Sequence[Told], now: int
) -> list[TrailLine]:
    """Returns what was said, done and told, in order of time. What is the same in words stands once."""
    lines = [(entry.time, _entry(words, entry, alert, now)) for entry in entries]
    lines += [(one.message.time, _told(words, one, alert, now)) for one in told]
    return list(dict.fromkeys(line for _, line in sorted(lines, key=lambda pair: pair[0])))


def awaited_lines(words: Words, alert: ListedAlert, awaited: Iterable[Awaited], now: int) -> list[str]:
    """Returns who is told next, as long as nobody takes care of the alert."""
    if alert.cleared_at is not None or alert.acknowledged_at is not None:
        return []
    return [
        words("told_next", time=words.time(max(one.due, now), now, alert.timezone), who=", ".join(one.tell))
        for one in awaited
    ]


def channel_name(words: Words, channel: str) -> str:
    """Returns how a channel is called: of the browsers of a person none has a name that says anything."""
    return words("told_push") if channel.startswith(f"{PUSH}-") else channel


def message_words(words: Words, message: MessageState, now: int, zone: str) -> str:
    """Returns how far a message is."""
    due = words.time(message.due, now, zone)
    if message.state == "dead":
        return words("told_dead", problem=said(words, message.problem or ""))
    if message.state != "waiting":
        return words("told_sent" if message.state == "sent" else "told_void")
    if message.problem is not None:
        return words("told_again", problem=said(words, message.problem), time=due)
    if message.attempts:
        return words("told_sending")
    return words("told_waits", time=due) if message.due > now else words("told_soon")


def _entry(words: Words, entry: Entry, alert: ListedAlert, now: int) -> TrailLine:
    what = words(f"trail_{entry.action}")
    if entry.action == "assign":
        assignee = entry.detail.get("assignee")
        what = words("trail_assign_nobody") if assignee is None else words("trail_assign_to", name=str(assignee))
    if entry.action == "acknowledge" and entry.detail.get("withdrawn"):
        what = words("trail_withdrawn")
    until = _ms(entry.detail.get("until"))
    if entry.action == "snooze":
        what = (
            words("trail_snooze_not")
            if until is None
            else words("alerts_snoozed_until", time=words.time(until, now, alert.timezone))
        )
    return TrailLine(words.time(entry.time, now, alert.timezone), entry.actor, what, entry.text)


def _told(words: Words, told: Told, alert: ListedAlert, now: int) -> TrailLine:
    what = words(
        "told",
        what=words(f"told_{told.what}"),
        channel=channel_name(words, told.channel),
        state=message_words(words, told.message, now, alert.timezone),
    )
    mark = _MARKS.get(told.message.state, "unknown" if told.message.problem is not None else "")
    return TrailLine(words.time(told.message.time, now, alert.timezone), told.person, what, mark=mark)


def _ms(text: object) -> int | None:
    return round(datetime.fromisoformat(text).timestamp() * 1000) if isinstance(text, str) else None
