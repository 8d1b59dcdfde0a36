"""Clock skew: decides between the device's time and the time of receipt.

The newest time in a message is taken as the device's clock, since a message may also hold older readings. The clock is
trusted if it is within 5 minutes of the gateway's. A message that a broker kept while the gateway was away is late, not
skewed: it keeps its time unless that is before 2020 or more than 5 minutes ahead.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.adapters import Observed
from siaga.model.clock import MINUTE

__all__ = ["PLAUSIBLE_FROM", "TOLERANCE", "Judged", "judge"]

TOLERANCE = 5 * MINUTE
"""The largest clock skew that is trusted, ms (contract, section 5)."""
PLAUSIBLE_FROM = 1_577_836_800_000
"""2020-01-01T00:00:00Z (contract, section 5): a clock that reads an earlier time was never set."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Values with their event times.

    `offset`: the device's clock minus the gateway's, ms; `None` if the message has no time.
    `trusted`: whether the device's clock is trusted. True if the message has no time.
    """

    values: list[tuple[str, bool | int | float, int]]
    offset: int | None = None
    trusted: bool = True


def judge(observed: Sequence[Observed], received: int, *, late: bool) -> Judged:
    """Returns the values with their event times.

    Args:
        received: the gateway's clock at receipt, ms.
        late: the broker kept the message before it delivered it.
    """
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
