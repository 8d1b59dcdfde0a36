"""What counts as a report, or as evidence, follows from what a device has ever said, in any order."""

from itertools import permutations

import pytest

from siaga.model.clock import MINUTE
from siaga.model.sites import Adapter, Device, Facility
from siaga.timeline.recent import Recent
from tests.alerts.world import NOON, village

WIFI = Facility("wifi", "free_wifi", "Wifi", (Device("ap", Adapter.SENML, MINUTE),))
NOW = NOON + 20 * MINUTE
SAID = [("wifi_up", NOON + MINUTE), ("battery", NOON + 3 * MINUTE), ("online", NOON + 9 * MINUTE)]


@pytest.mark.parametrize("order", list(permutations(SAID)))
@pytest.mark.parametrize("in_memory", [True, False])
def test_online_is_neither_a_report_nor_evidence_of_a_device_that_says_more(
    order: tuple[tuple[str, int], ...], in_memory: bool
) -> None:
    recent = Recent(village(WIFI), NOON if in_memory else NOON + 4 * MINUTE)
    for signal, time in order:
        recent.note_report("ap", signal, time, NOW)
        recent.insert(("ap", signal), time, True, NOW)
        recent.learn_first(("ap", signal), time)
    assert recent.gave["ap"] == NOON + MINUTE
    assert recent.reported["ap"] == NOON + 3 * MINUTE


def test_a_first_report_of_a_clock_that_is_ahead_is_one_of_now() -> None:
    recent = Recent(village(WIFI), NOON)
    recent.note_report("ap", "wifi_up", NOW + MINUTE, NOW)
    recent.insert(("ap", "wifi_up"), NOW + MINUTE, True, NOW)
    recent.learn_first(("ap", "wifi_up"), NOW + MINUTE)
    assert (recent.reported["ap"], recent.gave["ap"]) == (NOW, NOW)
