"""Since when a device reports again: a table of reports in the order in which they come, in minutes.

13 minutes without a report are a silence.
"""

import pytest

from api.alert_records.alert import new_alert
from api.alerts.device import MAX_STRETCHES, WatchedDevice
from siaga.model.alert_kinds import Kind
from siaga.model.clock import MINUTE
from siaga.model.sites import Adapter, Device
from tests.alerts.world import CODE

SILENT = Kind.DEVICE_SILENT

TABLE = {
    "nothing came": ([], None),
    "one report": ([5], 5),
    "it goes on": ([5, 6, 7], 5),
    "a pause that is not long enough": ([5, 17.9], 5),
    "a pause that is": ([5, 18], 18),
    "the first comes last": ([9, 8, 7, 5], 5),
    "what was said long ago comes late": ([40, 5], 40),
    "what lies between comes late, and joins them": ([5, 25, 15], 5),
    "twice the same": ([5, 5, 20, 20], 20),
    "shuffled": ([31, 7, 44, 5, 20, 32, 43], 20),
}


def silent() -> WatchedDevice:
    device = WatchedDevice(village=CODE, device=Device("gerbang-1", Adapter.SENML, MINUTE), watched=0)
    assert device.allowed == 13 * MINUTE
    device.attach(SILENT, new_alert(SILENT, CODE, facility="gerbang", device="gerbang-1", began_at=0))
    return device


@pytest.mark.parametrize(("reports", "since"), TABLE.values(), ids=TABLE)
def test_since_when_it_reports(reports: list[float], since: float | None) -> None:
    device = silent()
    for minute in reports:
        assert device.note(SILENT, round(minute * MINUTE))
    assert device.came_since(SILENT) == (None if since is None else round(since * MINUTE))


def test_what_came_before_the_alert_or_without_one_does_not_count() -> None:
    device = silent()
    assert not device.note(SILENT, 0)
    assert not device.note(Kind.NO_EVIDENCE, 5 * MINUTE)
    assert device.came == {}


def test_another_alert_begins_anew() -> None:
    device = silent()
    device.note(SILENT, 5 * MINUTE)
    device.changed(SILENT)
    assert device.came_since(SILENT) is None
    device.note(SILENT, 50 * MINUTE)
    assert device.came_since(SILENT) == 50 * MINUTE


def test_of_an_alert_that_stays_open_for_months_only_so_much_is_kept() -> None:
    device = silent()
    for hour in range(1, 3_000):
        device.note(SILENT, hour * 60 * MINUTE)
    assert device.came_since(SILENT) == 2_999 * 60 * MINUTE
    assert len(device.came[SILENT]) == MAX_STRETCHES
