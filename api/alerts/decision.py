"""What is decided about an alert: the answer of a pure function, with a named reason.

A `Hold` says when time alone will change the answer (`until`), so nothing has to scan.
"""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Amend", "Clear", "Decision", "Hold", "Raise", "clear_when_steady"]


@dataclass(frozen=True, slots=True)
class Raise:
    """Open an alert. `began_at`: when it started; `evidence`: what it was decided on, as JSON."""

    reason: str
    began_at: int
    cause: str | None
    evidence: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Clear:
    """Close the open alert: it was over at `ended_at`."""

    reason: str
    ended_at: int


@dataclass(frozen=True, slots=True)
class Amend:
    """Keep the alert open. Late data showed that it began earlier, at `began_at`."""

    reason: str
    began_at: int


@dataclass(frozen=True, slots=True)
class Hold:
    """Leave things as they are. `until`: when time alone will change that, wall time; `None`: never."""

    reason: str
    until: int | None = None


Decision = Raise | Clear | Amend | Hold


def clear_when_steady(reason: str, since: int, now: int, steady: int, changes_at: int | None = None) -> Clear | Hold:
    """Decide on an open alert whose cause has been over since `since`: it clears after `steady` ms.

    `changes_at`: when the cause may be back although nothing more comes.
    """
    if now >= since + steady:
        return Clear(reason, since)
    return Hold("recovering", since + steady if changes_at is None else min(since + steady, changes_at))
