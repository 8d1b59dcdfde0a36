"""What may become of a complaint, how many there may be, and when a form was filled in: pure, the clock is an argument.

`docs/decisions/complaints.md` says why the numbers are what they are.
"""

import hmac
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from siaga.model.clock import DAY, HOUR, MINUTE, SECOND

__all__ = [
    "ALPHABET",
    "FOLDED_WITHIN",
    "ID",
    "KEPT_AFTER_END",
    "KEPT_UNHANDLED",
    "LIMITED_OVER",
    "Counts",
    "Limit",
    "Stamp",
    "State",
    "Way",
    "WrongStamp",
    "hashed_sender",
    "limit_reached",
    "lines",
    "plain_id",
    "read_stamp",
    "same_note",
    "shown_id",
    "stamped",
]

KEPT_AFTER_END = 90 * DAY
"""How long after its end the text and the photos of a complaint are kept, ms."""
KEPT_UNHANDLED = 365 * DAY
"""How long they are kept if nobody closes it, ms."""
FOLDED_WITHIN = 10 * MINUTE
"""Within this time the same content of the same address is one complaint, ms."""
LIMITED_OVER = HOUR
"""The time over which complaints are counted for their limits, ms."""
_FILLED_IN_AFTER, _FILLED_IN_BEFORE = 2 * SECOND, DAY
"""Between its delivery and its sending a form takes people this long, ms. A robot sends it at once."""

ALPHABET = "abcdefghjkmnpqrstvwxyz23456789"
"""Of ids, without what is taken for another one on paper: i, l, o, u, 0, 1."""
ID = re.compile(r"[a-z0-9]{12}", re.ASCII)
_SIGNATURE = 32


class State(StrEnum):
    """What has become of a complaint."""

    NEW = "new"
    SEEN = "seen"
    CLOSED = "closed"
    REJECTED = "rejected"

    @property
    def is_open(self) -> bool:
        """Whether somebody has yet to close or reject it."""
        return self in (State.NEW, State.SEEN)


class Way(StrEnum):
    """How a complaint came: by the form of the page, or by a call of a program. Each is limited apart."""

    FORM = "form"
    CALL = "call"


class Limit(StrEnum):
    """A limit that was reached: of the sender at this facility, of the sender, or of the facility."""

    SENDER_HERE = "sender_here"
    SENDER = "sender"
    FACILITY = "facility"


_MOST = {Limit.SENDER_HERE: 10, Limit.SENDER: 30, Limit.FACILITY: 60}
"""Complaints within `LIMITED_OVER`."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many complaints of one way there were within `LIMITED_OVER`."""

    sender_here: int = 0
    sender: int = 0
    facility: int = 0


def limit_reached(counts: Counts) -> Limit | None:
    """Returns the limit that lets no further complaint in; `None`: there is room."""
    found = {
        Limit.SENDER_HERE: counts.sender_here,
        Limit.SENDER: counts.sender,
        Limit.FACILITY: counts.facility,
    }
    return next((limit for limit, count in found.items() if count >= _MOST[limit]), None)


def lines(text: str) -> str:
    """Returns a text whose lines end as they do everywhere but in what a browser's form sends (CR LF)."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def same_note(one: str, other: str) -> bool:
    """Whether two notes say the same, whatever their spaces and capitals."""
    return _plain(one) == _plain(other)


def _plain(note: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", note).casefold().split())


def shown_id(complaint: str) -> str:
    """Returns an id in groups of four, as people copy it."""
    return "-".join(complaint[start : start + 4] for start in range(0, len(complaint), 4))


def plain_id(text: str) -> str:
    """Returns an id as it is stored, of what somebody typed; nothing looks it up that is none."""
    return text.replace("-", "").replace(" ", "").lower()


def hashed_sender(secret: str, host: str) -> str:
    """Returns what stands for an address while the day's secret is kept."""
    return hmac.new(secret.encode(), b"sender " + host.encode(), "sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class Stamp:
    """When a form was delivered, ms, and the random name that makes it one complaint however often it is sent."""

    issued: int
    draft: str


class WrongStamp(StrEnum):
    """Why a form is not taken: it is not one of ours for this facility, was sent too soon, or is too old."""

    FOREIGN = "foreign"
    SOON = "soon"
    OLD = "old"


def stamped(secret: str, facility: str, stamp: Stamp) -> str:
    """Returns a stamp as text, signed for a form of one facility (`VILLAGE/ID`)."""
    return f"{stamp.issued}.{stamp.draft}.{_signature(secret, facility, stamp)}"


def read_stamp(secrets: Sequence[str], text: str, facility: str, now: int) -> Stamp | WrongStamp:
    """Returns the stamp of a form that is sent now; else why it is not taken. `secrets`: of the days that count."""
    issued, _, rest = text.partition(".")
    draft, _, signature = rest.partition(".")
    if not (issued.isascii() and issued.isdigit() and len(issued) <= 15):
        return WrongStamp.FOREIGN
    stamp = Stamp(int(issued), draft)
    if not any(
        hmac.compare_digest(_signature(secret, facility, stamp).encode(), signature.encode("utf-8", "replace"))
        for secret in secrets
    ):
        return WrongStamp.FOREIGN
    if now - stamp.issued < _FILLED_IN_AFTER:
        return WrongStamp.SOON
    return stamp if now - stamp.issued < _FILLED_IN_BEFORE else WrongStamp.OLD


def _signature(secret: str, facility: str, stamp: Stamp) -> str:
    said = f"form {stamp.issued} {stamp.draft} {facility}".encode("utf-8", "replace")
    return hmac.new(secret.encode(), said, "sha256").hexdigest()[:_SIGNATURE]
