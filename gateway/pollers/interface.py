"""Families that are asked instead of heard: what to ask of a device, and what an answer means.

A `Poller` is pure. It says a question as data, the sockets in `gateway.pollers.asking` answer it, and the poller says
what the answer means, as an adapter does with a message. An answer may be that nothing can be said: where the gateway
could not ask, because its own link is down, nothing is observed. Where it asked and nobody answered, that is a fact.
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
"""OIDs in one request: their answer fits into one packet, also where agents are short of memory."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Is this host there?"""

    address: HostAddress


@dataclass(frozen=True, slots=True)
class Fetch:
    """Does this web address answer? With `healthy` as it should, else at all."""

    address: WebAddress
    healthy: bool


@dataclass(frozen=True, slots=True)
class Internet:
    """Does this address answer 204 and nothing else, as nobody but the internet does?"""

    address: WebAddress


@dataclass(frozen=True, slots=True)
class Agent:
    """What an SNMP agent says under these OIDs, and all that it has below these.

    How it is asked is no part of the question, and changes with what it answered before: in which `version` (`None`: it
    is not known yet), and how many objects `at_once`.
    """

    address: HostAddress
    oids: tuple[str, ...]
    tables: tuple[str, ...]
    version: str | None = field(default=None, compare=False)
    at_once: int = field(default=AT_ONCE, compare=False)


Question = Reach | Fetch | Internet | Agent


@dataclass(frozen=True, slots=True)
class Said:
    """Yes or no. `how` says it in words for the log: by what, or why not. `latency` in ms, where somebody answered."""

    yes: bool
    how: str
    latency: float | None = None


@dataclass(frozen=True, slots=True)
class Values:
    """What an agent said: single values by OID, and the values of whole tables. What it does not have is not there.

    `how` says in words what is missing. `version` is the one that the agent answered in; `slow`: a request timed out.
    """

    single: Mapping[str, object] = field(default_factory=dict)
    tables: Mapping[str, Sequence[object]] = field(default_factory=dict)
    how: str = ""
    version: str | None = None
    slow: bool = False


@dataclass(frozen=True, slots=True)
class Unasked:
    """Nothing can be said of the device: `how` says in words why. `spoke`: it answered, with an error. `slow`: nothing
    came within the time that was allowed.
    """

    how: str
    spoke: bool = False
    slow: bool = False


Answer = Said | Values | Unasked


class Poller(Protocol):
    """One family that is asked."""

    def question(self, installed: Installed) -> Question | None:
        """What to ask of a device; `None`: nothing of its own.

        Raises:
            BadAddress: the device's address, or a key of its map, cannot be asked for.
        """
        ...

    def translate(self, installed: Installed, question: Question, answer: Answer) -> Translation:
        """What an answer means for the device. Nothing is refused as a whole: what can be read is kept."""
        ...
