"""Back-off of polls: a request that timed out is not repeated unchanged for ever.

An SNMP agent with little memory, or behind a slow link, may answer small requests but never large ones, or in ten
seconds but never in five. So after a timeout, the next request has half the objects and twice the time. After some
polls without an answer, the agent is polled less often. Each answer reverses this.

An unanswered probe is not a failure: it is the observation. So probes have no back-off.
"""

from dataclasses import dataclass, replace

from gateway.pollers.interface import AT_ONCE, Agent, Answer, Question, Unasked, Values

__all__ = ["LONGEST", "SHORTEST", "Patience"]

LONGEST = 5_000
"""The usual timeout, ms; a quarter of `every` if that is shorter."""
SHORTEST = 200
"""The shortest timeout, ms: a slow link takes that long."""
MORE_TIME = 2
"""How often the timeout is doubled at most."""
FORGETS_VERSION = 2
"""Unanswered polls after which the agent's version is forgotten: the device may have been replaced."""
RARER_AFTER = 3
"""Unanswered polls after which the agent is polled less often: its last values have expired then."""
RAREST = 4
"""The longest pause between polls of a silent agent, as a multiple of `every`."""
MAX_PAUSE = 300_000
"""The pause is at most so many ms longer than `every`: whoever switches an agent on again waits for it."""


@dataclass(frozen=True, slots=True)
class Patience:
    """The back-off state of one device. `silent`: unanswered polls in a row. For the others, see `Agent`."""

    version: str | None = None
    at_once: int = AT_ONCE
    silent: int = 0

    def asked(self, question: Question) -> Question:
        """Returns the question with the version and request size for this device."""
        if not isinstance(question, Agent):
            return question
        return replace(question, version=self.version, at_once=self.at_once)

    def timeout(self, every: int) -> int:
        """Returns the timeout of the next question, ms."""
        usual = max(SHORTEST, min(LONGEST, every // 4))
        return min(usual << min(self.silent, MORE_TIME), max(usual, every // 2))

    def pause(self, every: int) -> int:
        """Returns the shortest time between two polls, ms; 0 if `every` alone decides."""
        if self.silent < RARER_AFTER:
            return 0
        times = min(RAREST, 2 << (self.silent - RARER_AFTER))
        return min(times * every, every + MAX_PAUSE)

    def after(self, answer: Answer) -> "Patience":
        """Returns the state after an answer."""
        match answer:
            case Values(version=version, slow=slow):
                return Patience(version, max(1, self.at_once // 2) if slow else min(AT_ONCE, self.at_once * 2))
            case Unasked(slow=True):
                silent = self.silent + 1
                version = self.version if silent < FORGETS_VERSION else None
                return Patience(version, max(1, self.at_once // 2), silent)
            case _:
                return replace(self, silent=0)
