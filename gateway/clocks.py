"""Whose time counts: the device's, or the time of receipt.

A device's clock is read from the newest time in its message: a message may hold older readings too. It is trusted
within 5 minutes of the gateway's. What a broker kept while the gateway was away is late, not skewed: it keeps its
time unless that is before 2020 or more than 5 minutes ahead.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.adapters import Observed
from siaga.model.clock import MINUTE

__all__ = ["PLAUSIBLE_FROM", "TOLERANCE", "Judged", "judge"]

TOLERANCE = 5 * MINUTE
"""How far a device's clock may be off (contract, section 5)."""
PLAUSIBLE_FROM = 1_577_836_800_000
"""2020-01-01T00:00:00Z (contract, section 5): a clock that reads less was never set."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Values with the times that count. `offset`: how far the device's clock is off, ms; `None`: it said no time.

    `trusted` is whether its clock is; a message without a time says nothing about that.
    """

    values: list[tuple[str, bool | int | float, int]]
    offset: int | None = None
    trusted: bool = True


def judge(observed: Sequence[Observed], received: int, *, late: bool) -> Judged:
    """The event time of each value. `received` is the gateway's clock; `late`: the broker had kept the message."""
    times = [each.time for each in observed if each.time is not None]
    if not times:
        return Judged([(each.signal, each.value, received) for each in observed])
    newest = max(times)
    offset = newest - received
    behind = offset < -TOLERANCE and not late
    trusted = not behind and offset <= TOLERANCE and newest >= PLAUSIBLE_FROM
    values = []
    for each in observed:
        good = trusted and each.time is not None and each.time >= PLAUSIBLE_FROM
        values.append((each.signal, each.value, each.time if good and each.time is not None else received))
    return Judged(values, offset, trusted)
