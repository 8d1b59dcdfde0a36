"""How a device is asked after what it answered before: nothing that timed out is asked again unchanged for ever.

An SNMP agent that is short of memory, or behind a thin link, may answer small requests and never large ones, or in ten
seconds and never in five. So after a request that timed out the next has half the objects and twice the time, and after
some polls in silence the agent is asked less often. With each answer it goes the way back.

A probe that nobody answers is no failure of asking: that nobody answers is what it observes, as often as `every` says.
"""

from dataclasses import dataclass, replace

from gateway.pollers.interface import AT_ONCE, Agent, Answer, Question, Unasked, Values

__all__ = ["LONGEST", "SHORTEST", "Patience"]

LONGEST = 5_000
"""A question is given up after so many ms, or a quarter of `every` where that is shorter."""
SHORTEST = 200
"""But never before this: a thin link takes that long."""
MORE_TIME = 2
"""How often the time is doubled."""
FORGETS_VERSION = 2
"""Polls in silence after which it is no longer known which version an agent speaks: it may be another one."""
RARER_AFTER = 3
"""Polls in silence until the agent is asked less often: what it said last holds no longer then."""
RAREST = 4
"""How many times `every` lie between two polls of an agent that is silent at most."""
MAX_PAUSE = 300_000
"""But no more than these ms beyond `every`: who switches an agent on again waits for it."""


@dataclass(frozen=True, slots=True)
class Patience:
    """What is known of one device. `silent`: polls in a row without any answer in time. See `Agent` for the others."""

    version: str | None = None
    at_once: int = AT_ONCE
    silent: int = 0

    def asked(self, question: Question) -> Question:
        """The question in the manner that the device needs."""
        if not isinstance(question, Agent):
            return question
        return replace(question, version=self.version, at_once=self.at_once)

    def timeout(self, every: int) -> int:
        """How long to wait for the answer, ms."""
        usual = max(SHORTEST, min(LONGEST, every // 4))
        return min(usual << min(self.silent, MORE_TIME), max(usual, every // 2))

    def pause(self, every: int) -> int:
        """How long after one poll the next is due at the earliest, ms; 0: as `every` says."""
        if self.silent < RARER_AFTER:
            return 0
        times = min(RAREST, 2 << (self.silent - RARER_AFTER))
        return min(times * every, every + MAX_PAUSE)

    def after(self, answer: Answer) -> "Patience":
        """What is known after an answer."""
        match answer:
            case Values(version=version, slow=slow):
                return Patience(version, max(1, self.at_once // 2) if slow else min(AT_ONCE, self.at_once * 2))
            case Unasked(slow=True):
                silent = self.silent + 1
                version = self.version if silent < FORGETS_VERSION else None
                return Patience(version, max(1, self.at_once // 2), silent)
            case _:
                return replace(self, silent=0)
