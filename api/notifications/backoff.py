"""When a message that a provider did not take is tried again, and when it is given up: pure."""

from dataclasses import dataclass

from siaga.model.clock import MINUTE, SECOND

__all__ = ["Patience", "provider_pause"]

PROVIDER_PAUSE = MINUTE
"""The longest time for which a provider that does not answer is left alone: messages wait no longer once it is back."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how fast a message is tried: the pauses double from `first` to `longest`.

    Of 100 attempts the first eight take half an hour and the others a quarter of an hour each, about a day in all: an
    outage of a provider is shorter, and after a day an alert has been seen otherwise.
    """

    first: int = 5 * SECOND
    longest: int = 15 * MINUTE
    attempts: int = 100

    def again(self, attempts: int, now: int, chance: float) -> int | None:
        """When to try again after so many attempts; `None`: give up. `chance` is from 0 to 1, so that messages that
        failed together do not come back together."""
        if attempts >= self.attempts:
            return None
        return now + _spread(min(self.longest, self.first << min(attempts - 1, 40)), chance)


def provider_pause(failures: int, now: int, chance: float) -> int:
    """Until when a provider that has not answered so many times in a row is left alone."""
    return now + _spread(min(PROVIDER_PAUSE, (5 * SECOND) << min(failures - 1, 40)), chance)


def _spread(pause: int, chance: float) -> int:
    """Between three quarters of a pause and all of it."""
    return round(pause * (0.75 + chance / 4))
