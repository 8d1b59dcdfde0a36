"""The 14 Smart Kampung indicators as data: evidence, schedule, and the numbers a site may override."""

from dataclasses import dataclass

from siaga.clock import DAY, MINUTE
from siaga.sites import Silence

__all__ = [
    "INDICATORS",
    "POWER",
    "Above",
    "Attested",
    "Below",
    "EventWithin",
    "Evidence",
    "Flag",
    "Indicator",
    "Sensed",
]

POWER = "power"
"""The kind of a facility without an indicator: its `mains` speaks for the whole village."""


@dataclass(frozen=True, slots=True)
class Flag:
    """Evidence: a boolean signal is true. `stand_in` takes its place on a device that has not reported it."""

    signal: str
    stand_in: str | None = None


@dataclass(frozen=True, slots=True)
class Above:
    """Evidence: a number is over a limit, in the signal's unit."""

    signal: str
    limit: float


@dataclass(frozen=True, slots=True)
class Below:
    """Evidence: a number is under a limit, in the signal's unit."""

    signal: str
    limit: float


@dataclass(frozen=True, slots=True)
class EventWithin:
    """Evidence: an event happened within the last `interval` milliseconds."""

    signal: str
    interval: int


Evidence = Flag | Above | Below | EventWithin


@dataclass(frozen=True, slots=True)
class Sensed:
    """How a device's signals combine, in three-valued logic.

    `all_of`: every one that the device reports; `any_of`: one of them; `first_of`: the first, else (where it is
    unknown) the next. A device is able to give evidence when it can give one of the signals (or a stand-in).
    """

    rule: str  # "all_of" | "any_of" | "first_of"
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Attested:
    """A person attests it, with evidence and a date; it expires after `expires` milliseconds."""

    expires: int = 90 * DAY


@dataclass(frozen=True, slots=True)
class Indicator:
    """One of the 14. `number` is its number in the programme; `grace`, `recovery`: ms, `target`: a share."""

    kind: str
    number: int
    name_id: str
    name_en: str
    sensed: Sensed | None
    attested: Attested | None = None
    schedule: str | tuple[str, ...] = "24h"
    grace: int = 5 * MINUTE
    recovery: int = 2 * MINUTE
    target: float = 0.99
    silence: Silence = Silence.UNKNOWN


INDICATORS: dict[str, Indicator] = {}
"""The indicators by kind."""
