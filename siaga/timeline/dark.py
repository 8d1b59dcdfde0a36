"""When a village was dark: its gateway did not run, by its heartbeats, in a schedule or not.

It is dark from when a gateway was expected, up to the newest heartbeat, wherever none holds. What is after that may
still arrive. So the order in which heartbeats arrive does not matter.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from siaga.model.indicators import INDICATORS
from siaga.model.intervals import Interval
from siaga.model.local_time import local_moment
from siaga.model.observation import TrackKey
from siaga.model.sites import Village

__all__ = ["Darkness", "expected_from", "gateways_of"]


class Darkness(NamedTuple):
    """What of a window of one village is dark; the rest of the window is not. Event time, ms."""

    window: Interval
    dark: Sequence[Interval]


def gateways_of(village: Village, keys: Iterable[TrackKey]) -> list[str]:
    """Returns whose `alive` is a gateway's, of the signals of a village: every one under an id that is no device."""
    devices = {device.id for facility in village.facilities for device in facility.devices}
    return [source for source, signal in keys if signal == "alive" and source not in devices]


def expected_from(village: Village, first: Mapping[TrackKey, int]) -> int | None:
    """Returns from when a gateway of the village is expected to run, ms: from its first heartbeat.

    A facility that is judged from an earlier date (`since`) is judged by a gateway, so one is expected from then on.
    `None`: nothing is expected yet. `first`: the first reports.
    """
    judged = [facility for facility in village.facilities if facility.kind in INDICATORS]
    begins = [local_moment(each.since, 0, village.timezone) for each in judged if each.since is not None]
    begins += [first[gateway, "alive"] for gateway in gateways_of(village, first)]
    return min(begins, default=None)
