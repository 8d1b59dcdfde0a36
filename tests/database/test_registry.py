"""The registry returns the villages that were put into it, and tells when they changed."""

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import Engine, select

from siaga.database import tables
from siaga.database.registry import ChangedMeanwhile, ImportReport, Registry
from siaga.model.sites import Adapter, Device, Facility, Needs, Silence, Village
from siaga.sites.writing import fingerprint

GATE = Facility(
    id="gerbang",
    kind="gate",
    name="Gerbang kantor desa",
    devices=(
        Device(
            "gerbang-1", Adapter.TASMOTA, 60_000, "gerbang-depan", {"Switch1": "gate_open"}, frozenset({"gate_open"})
        ),
        Device("gerbang-2", Adapter.SENML, 10_000),
    ),
    since=date(2026, 1, 1),
    needs=Needs.ALL,
    grace=300_000,
    recovery=120_000,
    target=0.99,
    schedule=("Mon-Sat 18:00-06:00", "Sun 08:00-24:00"),
    silence=Silence.FAILED,
)
KAMPUNGANYAR = Village(
    "35.10.15.2012", "Kampunganyar", -8.19, 114.30, "Asia/Jakarta", (GATE,), True, 600_000, "odp-glagah-2"
)
TAMANSURUH = Village("35.10.15.2010", "Tamansuruh", -8.17, 114.31, "Asia/Jakarta", (replace(GATE, schedule="night"),))


def test_what_was_imported_is_given_back_whole_and_in_the_order_of_the_file(engine: Engine) -> None:
    registry = Registry(engine)
    assert registry.villages() == []
    assert registry.replace([KAMPUNGANYAR, TAMANSURUH], now=1_000) == ImportReport(2, 0, 0)
    assert registry.villages() == [replace(KAMPUNGANYAR, told=1_000), replace(TAMANSURUH, told=1_000)]
    assert registry.village("35.10.15.2010") == replace(TAMANSURUH, told=1_000)
    assert registry.village("35.10.15.2099") is None


def test_the_version_grows_with_a_change_and_only_then(engine: Engine) -> None:
    registry = Registry(engine)
    start = registry.version()
    registry.replace([KAMPUNGANYAR], now=1)
    assert registry.version() == start + 1
    assert registry.replace([KAMPUNGANYAR], now=2) == ImportReport(0, 0, 1)
    assert registry.version() == start + 1
    assert registry.replace([replace(KAMPUNGANYAR, name="Kampung Anyar")], now=3) == ImportReport(0, 1, 0)
    assert registry.version() == start + 2


def test_a_village_is_replaced_whole_others_stay_and_told_is_from_the_first_time(engine: Engine) -> None:
    registry = Registry(engine)
    registry.replace([KAMPUNGANYAR, TAMANSURUH], now=1_000)
    wifi = Facility("wifi", "free_wifi", "Wi-Fi", (Device("ap", Adapter.SENML, 60_000),))
    changed = replace(KAMPUNGANYAR, facilities=(wifi,))
    assert registry.replace([changed], now=2_000) == ImportReport(0, 1, 0)
    assert registry.village(KAMPUNGANYAR.code) == replace(changed, told=1_000)
    assert registry.village(TAMANSURUH.code) == replace(TAMANSURUH, told=1_000)
    with engine.connect() as connection:
        devices = connection.execute(
            select(tables.device.c.village, tables.device.c.id).order_by("village", "id")
        ).all()
        kinds = connection.execute(select(tables.facility.c.kind).where(tables.facility.c.village == changed.code))
        assert [tuple(row) for row in devices] == [
            (TAMANSURUH.code, "gerbang-1"),
            (TAMANSURUH.code, "gerbang-2"),
            (KAMPUNGANYAR.code, "ap"),
        ]
        assert kinds.scalars().all() == ["free_wifi"]


def test_a_whole_district_fits_into_one_import(engine: Engine) -> None:
    villages = [replace(KAMPUNGANYAR, code=f"35.10.{n // 50:02}.{2000 + n % 50}") for n in range(1_200)]
    registry = Registry(engine)
    assert registry.replace(villages, now=5) == ImportReport(1_200, 0, 0)
    assert registry.replace(villages, now=6) == ImportReport(0, 0, 1_200)
    assert [village.code for village in registry.villages()] == [village.code for village in villages]


def test_nothing_to_import_changes_nothing(engine: Engine) -> None:
    assert Registry(engine).replace([], now=1) == ImportReport(0, 0, 0)


def test_holidays_are_given_back_with_each_village_and_regions_by_their_codes(engine: Engine) -> None:
    registry = Registry(engine)
    closed = replace(KAMPUNGANYAR, holidays=frozenset({date(2026, 3, 20), date(2026, 8, 17)}))
    start = registry.version()
    registry.replace([closed], 1, {"35.10": "Banyuwangi", "35.10.15": "Glagah"})
    assert registry.village(closed.code) == replace(closed, told=1)
    assert registry.regions() == {"35.10": "Banyuwangi", "35.10.15": "Glagah"}
    registry.replace([closed], 2, {"35.10": "Banyuwangi"})
    assert registry.version() == start + 1, "nothing changed"
    registry.replace([closed], 3, {"35.10": "Kabupaten Banyuwangi"})
    assert registry.regions() == {"35.10": "Kabupaten Banyuwangi", "35.10.15": "Glagah"}
    assert registry.version() == start + 2, "who holds the names sees that they changed"
    open_again = replace(closed, holidays=frozenset())
    assert registry.replace([open_again], 4) == ImportReport(0, 1, 0)
    assert registry.village(closed.code) == replace(open_again, told=1)


def test_names_of_holidays_are_given_back_and_others_stay(engine: Engine) -> None:
    registry = Registry(engine)
    registry.replace([], 1, holidays={date(2026, 3, 20): "Cuti", date(2026, 8, 17): "Kemerdekaan"})
    start = registry.version()
    registry.replace([], 2, holidays={date(2026, 3, 20): "Cuti"})
    assert registry.version() == start
    registry.replace([], 3, holidays={date(2026, 3, 20): "Cuti bersama"})
    assert registry.holidays() == {date(2026, 3, 20): "Cuti bersama", date(2026, 8, 17): "Kemerdekaan"}
    assert registry.version() == start + 1


def test_villages_and_names_are_taken_out(engine: Engine) -> None:
    registry = Registry(engine)
    registry.replace([KAMPUNGANYAR, TAMANSURUH], 1, {"35.10": "Banyuwangi", "35.10.15": "Glagah"})
    start = registry.version()
    report = registry.replace([], 2, removed=[TAMANSURUH.code, "35.10.15.2099"], unnamed=["35.10", "35.11"])
    assert report == ImportReport(0, 0, 0, 1)
    assert registry.villages() == [replace(KAMPUNGANYAR, told=1)]
    assert registry.regions() == {"35.10.15": "Glagah"}
    assert registry.version() == start + 1
    with engine.connect() as connection:
        left = connection.execute(select(tables.device.c.village).distinct()).scalars().all()
        assert left == [KAMPUNGANYAR.code]
    assert registry.replace([], 3, removed=[TAMANSURUH.code], unnamed=["35.10"]) == ImportReport(0, 0, 0)
    assert registry.version() == start + 1, "they were gone already"


def test_what_was_changed_meanwhile_is_not_written_over(engine: Engine) -> None:
    registry = Registry(engine)
    registry.replace([KAMPUNGANYAR], now=1)
    seen, version = {KAMPUNGANYAR.code: fingerprint(KAMPUNGANYAR), TAMANSURUH.code: None}, registry.version()
    renamed = replace(KAMPUNGANYAR, name="Kampung Anyar")
    registry.replace([renamed, TAMANSURUH], now=2)
    for villages in ([KAMPUNGANYAR], []):
        with pytest.raises(ChangedMeanwhile) as refused:
            registry.replace(villages, 3, seen=seen, removed=[TAMANSURUH.code])
        assert sorted(refused.value.villages) == [TAMANSURUH.code, KAMPUNGANYAR.code]
    with pytest.raises(ChangedMeanwhile):
        registry.replace([KAMPUNGANYAR], 3, seen_version=version)
    assert registry.villages() == [replace(renamed, told=1), replace(TAMANSURUH, told=2)]
    registry.replace([KAMPUNGANYAR], 3, seen={KAMPUNGANYAR.code: fingerprint(renamed)}, seen_version=version + 1)
    assert registry.village(KAMPUNGANYAR.code) == replace(KAMPUNGANYAR, told=1)


def test_a_file_in_the_registry_s_order_moves_nothing(engine: Engine) -> None:
    registry = Registry(engine)
    first, second, third = KAMPUNGANYAR, TAMANSURUH, replace(TAMANSURUH, code="35.10.15.2001")
    registry.replace([first], 1)
    registry.replace([second, third], 1)
    assert [one.code for one in registry.villages()] == [first.code, second.code, third.code], "in order of arrival"
    start = registry.version()
    assert registry.replace([first, third], 2) == ImportReport(0, 0, 2)
    assert registry.replace([second], 2) == ImportReport(0, 0, 1)
    assert registry.version() == start
    assert registry.replace([third, second, first], 3) == ImportReport(0, 0, 3)
    assert registry.version() == start + 1
    assert [one.code for one in registry.villages()] == [third.code, second.code, first.code]
