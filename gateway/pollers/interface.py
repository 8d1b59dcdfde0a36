"""The interface of polled device families: what to ask a device, and what an answer means.

A `Poller` is pure. It makes a question, which is data. `gateway.pollers.asking` sends it. The poller translates the
answer, as an adapter translates a message. An answer may be inconclusive: if the gateway could not ask, because its own
link is down, nothing is observed. If it asked and nobody answered, that is an observation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gateway.adapters.interface import Installed, Translation
from siaga.sites.poll_address import HostAddress, WebAddress

__all__ = [
    "AT_ONCE",
    "Agent",
    "Answer",
    "Fetch",
    "Internet",
    "Poller",
    "Question",
    "Reach",
    "Said",
    "Unasked",
    "Values",
]


AT_ONCE = 16
"""OIDs in one request: the answer fits into one packet, even for agents with little memory."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Is this host reachable?"""

    address: HostAddress


@dataclass(frozen=True, slots=True)
class Fetch:
    """Does this web address answer? If `healthy`, with the expected status and text; else with anything."""

    address: WebAddress
    healthy: bool


@dataclass(frozen=True, slots=True)
class Internet:
    """Does this address answer 204 and nothing else? Only the real internet does, not a captive portal."""

    address: WebAddress


@dataclass(frozen=True, slots=True)
class Agent:
    """Which values does an SNMP agent have?

    `oids`: single objects. `tables`: OIDs below which all objects are read.
    `version`, `at_once`: the protocol version (`None`: not known yet), and the objects per request. They depend on
    earlier answers, and are not compared.
    """

    address: HostAddress
    oids: tuple[str, ...]
    tables: tuple[str, ...]
    version: str | None = field(default=None, compare=False)
    at_once: int = field(default=AT_ONCE, compare=False)


Question = Reach | Fetch | Internet | Agent


@dataclass(frozen=True, slots=True)
class Said:
    """Yes or no. `how`: the reason, for the log. `latency`: ms; `None` without an answer."""

    yes: bool
    how: str
    latency: float | None = None


@dataclass(frozen=True, slots=True)
class Values:
    """The values of an SNMP agent: single ones by OID, and those of whole tables. Missing objects are left out.

    `how`: a sentence about what is missing. `version`: the version of the answer. `slow`: a request timed out.
    """

    single: Mapping[str, object] = field(default_factory=dict)
    tables: Mapping[str, Sequence[object]] = field(default_factory=dict)
    how: str = ""
    version: str | None = None
    slow: bool = False


@dataclass(frozen=True, slots=True)
class Unasked:
    """An inconclusive answer. `how`: the reason. `spoke`: the device answered with an error. `slow`: it timed out."""

    how: str
    spoke: bool = False
    slow: bool = False


Answer = Said | Values | Unasked


class Poller(Protocol):
    """One polled family."""

    def question(self, installed: Installed) -> Question | None:
        """Returns what to ask a device; `None` if it needs no question of its own.

        Raises:
            BadAddress: the device's address, or a key of its map, is not valid.
        """
        ...

    def translate(self, installed: Installed, question: Question, answer: Answer) -> Translation:
        """Returns what an answer means for the device. A refused value does not affect the others."""
        ...
