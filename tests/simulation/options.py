"""What a seed decides before its run begins: how the villages are, and what may go wrong in them.

Each seed leaves most kinds of faults out: where everything always breaks, much never gets the time to happen.
"""

import random
from dataclasses import dataclass, fields

from siaga.clock import MINUTE, SECOND

__all__ = ["FAULTS", "Options"]

FAULTS = (
    "village_line",
    "uplink",
    "centre_lines",
    "centre_broker",
    "village_broker",
    "kill_gateway",
    "kill_collector",
    "kill_engine",
    "store_away",
    "store_flaky",
    "database_away",
    "disk_full",
    "card_lost",
    "gateway_time",
    "centre_time",
    "freeze",
    "device_drops",
    "device_hangs",
)
"""The kinds of faults; each is a method of `tests.simulation.system.System`."""


@dataclass(frozen=True, slots=True)
class Options:
    """How one run goes. Durations in ms, `late`, `twice` shares of messages."""

    seed: int
    villages: int
    collectors: int
    every: int
    offline_after: int
    flush_after: int
    trouble: int
    """How long faults go on."""
    between: int
    """Between two faults, on average."""
    late: float
    twice: float
    shuffled: bool
    drift: int
    reads_take: int
    faults: tuple[str, ...]

    @classmethod
    def of(cls, seed: int) -> "Options":
        """The options of a seed."""
        chance = random.Random(f"options {seed}")
        rough = chance.random() < 0.6
        return cls(
            seed=seed,
            villages=chance.choice([1, 1, 1, 2]),
            collectors=chance.choice([1, 1, 2]),
            every=chance.choice([MINUTE, 2 * MINUTE]),
            offline_after=chance.choice([3, 5]) * MINUTE,
            flush_after=chance.choice([200, 5 * SECOND, 15 * SECOND]),
            trouble=chance.choice([15, 25, 40]) * MINUTE,
            between=chance.choice([30, 60, 120]) * SECOND,
            late=chance.choice([0.02, 0.1, 0.3]) if rough else 0.0,
            twice=chance.choice([0.0, 0.05, 0.3]) if rough else 0.0,
            shuffled=rough and chance.random() < 0.7,
            drift=chance.choice([0, 0, 1, 60]) * SECOND,
            reads_take=chance.choice([5, 200, 3_000]),
            faults=tuple(each for each in FAULTS if chance.random() < 0.4),
        )

    def __str__(self) -> str:
        return "\n".join(f"    {each.name} = {getattr(self, each.name)!r}" for each in fields(self))
