"""Unknown devices are kept with their newest report, within bounds."""

from dataclasses import replace

from sqlalchemy import Engine

from siaga.database.unknown_devices import KEPT, UnknownDevices, unknown_devices
from siaga.model.scope import Scopes
from siaga.model.sites import Adapter
from siaga.wire.unknown_device import UnknownDevice

GLAGAH, LICIN = "35.10.15.2012", "35.10.16.2001"
NOW = 1_767_225_600_000


def heard(village: str, address: str, at: int = NOW) -> UnknownDevice:
    return UnknownDevice(
        village, "gw", Adapter.SHELLY, address, at, at, 1, 60_000, "topic", "bytes", {"a": "b"}, {"gate": ["gate_open"]}
    )


def test_the_newest_report_of_a_device_stands_and_the_last_heard_is_the_first(engine: Engine) -> None:
    table = UnknownDevices(engine)
    first = heard(GLAGAH, "a")
    newer = replace(first, last=NOW + 9, count=5, values={"a": "c"})
    table.add([first, heard(LICIN, "b", NOW + 5)], NOW)
    table.add([first, newer], NOW)
    with engine.connect() as connection:
        assert unknown_devices(connection) == [newer, heard(LICIN, "b", NOW + 5)]
        assert unknown_devices(connection, Scopes.of([LICIN])) == [heard(LICIN, "b", NOW + 5)]
        assert unknown_devices(connection, limit=1) == [newer]


def test_a_village_and_all_together_have_so_many_at_most_those_heard_last(engine: Engine) -> None:
    table = UnknownDevices(engine, per_village=3, total=5)
    table.add([heard(GLAGAH, f"g{n}", NOW + n) for n in range(6)], NOW)
    table.add([heard(LICIN, f"l{n}", NOW + 10 + n) for n in range(6)], NOW)
    with engine.connect() as connection:
        assert [each.address for each in unknown_devices(connection)] == ["l5", "l4", "l3", "g5", "g4"]


def test_who_was_not_heard_for_a_week_is_forgotten(engine: Engine) -> None:
    table = UnknownDevices(engine)
    table.add([heard(GLAGAH, "lama")], NOW)
    table.add([heard(LICIN, "baru", NOW + KEPT + 1)], NOW + KEPT + 1)
    with engine.connect() as connection:
        assert [each.address for each in unknown_devices(connection)] == ["baru"]
