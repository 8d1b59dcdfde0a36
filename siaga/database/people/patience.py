"""How long who gave wrong passwords has to wait: pure, by how often it was so."""

from dataclasses import dataclass

from siaga.model.clock import HOUR, MINUTE, SECOND

__all__ = ["BY_ADDRESS", "BY_BOTH", "BY_NAME", "FORGOTTEN", "NEVER", "Failures", "Patience", "counted"]

FORGOTTEN = HOUR
"""Ms without a wrong password after which the earlier ones count no longer."""


@dataclass(frozen=True, slots=True)
class Patience:
    """So many wrong passwords are `free`; then the wait doubles with each, from a second up to `longest` (ms)."""

    free: int
    longest: int

    def wait(self, failures: int) -> int:
        """Returns how long to wait after so many wrong passwords, ms."""
        if failures < self.free:
            return 0
        return min(self.longest, SECOND << min(failures - self.free, 30))


BY_BOTH = Patience(5, 5 * MINUTE)
"""For a name from one address: somebody who forgot, or who guesses; 300 guesses a day at most."""
BY_ADDRESS = Patience(30, MINUTE)
"""For an address, whatever the names: an office shares one, so it is more patient."""
BY_NAME = Patience(30, 30 * SECOND)
"""For a name, from addresses that its owner was never seen at: a guesser with many addresses. The owner has the same
wait at a new address, so it is short; 3,000 guesses a day at most."""


@dataclass(frozen=True, slots=True)
class Failures:
    """Wrong passwords in a row. Until `free_at` no other one is looked at. Wall times in ms."""

    count: int
    last_at: int
    free_at: int


NEVER = Failures(0, 0, 0)


def counted(before: Failures, patience: Patience, now: int) -> Failures:
    """Returns the failures after one more at `now`."""
    count = 1 if now - before.last_at >= FORGOTTEN else before.count + 1
    return Failures(count, now, now + patience.wait(count))
