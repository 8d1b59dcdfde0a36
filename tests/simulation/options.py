"""What a seed decides before its run begins: how the villages are, and what may go wrong in them.

Each seed leaves most kinds of faults out: where everything always breaks, much never gets the time to happen. There are
two kinds of runs. One of *minutes* is half an hour in which something breaks every minute. One of *days* is one to ten
village-days from any hour of any weekday: what takes long happens there, and midnight, sunset and office hours pass.
"""

import random
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime

from siaga.model.clock import DAY, HOUR, MINUTE, SECOND

__all__ = ["FAULTS", "HAPPENINGS", "LEADER_CHANGES", "Options"]

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
    "decoder_breaks",
)
"""The kinds of faults; each is a method of `tests.simulation.faults.Faults`."""
LEADER_CHANGES = "leader_changes"
"""Another fault. It comes only where it is asked for, as in its runs each transaction of the engine checks a lease."""
HAPPENINGS = ("shared_uplink", "maintenance", "registry")
"""What happens beside faults; each is a method of `tests.simulation.happenings.Happenings`."""
TEN = int(datetime(2026, 3, 4, 3, tzinfo=UTC).timestamp()) * 1000
"""Ten in the morning of a Wednesday, in Jakarta."""


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
    happenings: tuple[str, ...] = ()
    days: bool = False
    begin: int = TEN
    lasts: tuple[int, ...] = (2 * SECOND, 20 * SECOND, 100 * SECOND, 400 * SECOND)
    """How long a fault may last."""
    turns: int = 90 * SECOND
    """Between two changes in the villages, on average."""
    looks: int = 20 * SECOND
    """How often the centre looks at the registry, leaves its marks and keeps house, and gateways at all devices: with
    their own 2 s and 10 s they would do little else."""
    again: tuple[int, int] = (500, 5 * SECOND)
    """Between two attempts to connect, from and to."""
    mends: tuple[int, ...] = ()
    """After how long what went wrong in a village is right again; nothing: when chance changes it again."""
    shows_after: int = 0
    """How long after its acknowledgement the telemetry store shows a reading, at most."""

    @classmethod
    def of(cls, seed: int) -> "Options":
        """The options of a seed, for a run of minutes."""
        chance = random.Random(f"options {seed}")
        rough = chance.random() < 0.6
        happenings = _happenings(seed, 0.25)
        return cls(
            seed=seed,
            villages=max(chance.choice([1, 1, 1, 2]), 2 if "shared_uplink" in happenings else 1),
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
            happenings=happenings,
        )

    def with_leaders(self) -> "Options":
        """Returns these options for a run in which also the leader changes."""
        return replace(self, faults=(*self.faults, *[LEADER_CHANGES] * (1 + len(self.faults))))

    def with_late_showing(self) -> "Options":
        """Returns these options for a cluster as store: openGemini shows a new series a second or two late."""
        return replace(self, shows_after=5 * SECOND)

    @classmethod
    def of_days(cls, seed: int) -> "Options":
        """The options of a seed, for a run of days."""
        chance = random.Random(f"days {seed}")
        flush_after = chance.choice([45 * SECOND, 45 * SECOND, 5 * MINUTE, 10 * MINUTE])
        return cls(
            seed=seed,
            villages=chance.choice([1, 2, 3]),
            collectors=chance.choice([1, 1, 2]),
            every=chance.choice([15, 30, 60]) * MINUTE,
            offline_after=flush_after + chance.choice([5, 15]) * MINUTE,
            flush_after=flush_after,
            trouble=chance.choice([12, 24, 36, 72]) * HOUR,
            between=chance.choice([1, 2, 4]) * HOUR,
            late=chance.choice([0.0, 0.0, 0.02]),
            twice=chance.choice([0.0, 0.0, 0.05]),
            shuffled=chance.random() < 0.3,
            drift=chance.choice([0, 0, 1, 60]) * SECOND,
            reads_take=chance.choice([5, 200, 3_000]),
            faults=tuple(each for each in FAULTS if chance.random() < 0.4),
            happenings=_happenings(-seed, 0.5),
            days=True,
            begin=TEN + chance.randrange(365) * DAY + chance.randrange(DAY // MINUTE) * MINUTE,
            lasts=(2 * MINUTE, 20 * MINUTE, 20 * MINUTE, 90 * MINUTE, 90 * MINUTE, 8 * HOUR),
            turns=2 * HOUR,
            looks=10 * MINUTE,
            again=(5 * SECOND, MINUTE),
            mends=(3 * MINUTE, 10 * MINUTE, 40 * MINUTE, 3 * HOUR, 9 * HOUR),
        )

    @property
    def longest(self) -> int:
        """The longest that a fault lasts, ms."""
        return max(self.lasts)

    def __str__(self) -> str:
        return "\n".join(f"    {each.name} = {getattr(self, each.name)!r}" for each in fields(self))


def _happenings(seed: int, share: float) -> tuple[str, ...]:
    chance = random.Random(f"happenings {seed}")
    return tuple(each for each in HAPPENINGS if chance.random() < share)
