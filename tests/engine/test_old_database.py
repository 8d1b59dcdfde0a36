"""A data directory from before the inbox opens, is migrated, and goes on.

`old/before_inbox.sql` is the database that an engine of then left when it was killed, twenty seconds after two villages
of one uplink were lost together. The gate of the first had failed four times within the hour, so its alert was held; of
the second a late reading waited for the store's acknowledgement.
"""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from siaga.database import connect, migrate, tables
from siaga.model.clock import MINUTE, SECOND
from siaga.model.observation import Reading
from tests.alerts.world import NOON, World, village

FIRST, SECOND_ONE = "35.10.16.2001", "35.10.16.2002"
KILLED = NOON + 50 * MINUTE + 20 * SECOND
LOST = NOON + 43 * MINUTE + 30 * SECOND
LATE = NOON + 2 * MINUTE + 10 * SECOND


def what_was_said() -> Iterator[tuple[str, Reading]]:
    """The gates report each minute, the gateways each half minute."""
    for half_minute in range(88):
        at = NOON + half_minute * 30 * SECOND
        for code in (FIRST, SECOND_ONE):
            yield code, Reading("gw", "alive", at, True)
            if half_minute % 2 == 0:
                failing = half_minute >= 8 and (half_minute - 8) % 20 < 14
                yield code, Reading("gerbang-1", "gate_open", at, code == SECOND_ONE or not failing)


@pytest.fixture
def old(tmp_path: Path) -> Iterator[World]:
    """The old database, and a store with all that was said but for the late reading."""
    place = [village(code=code, uplink="odp-1") for code in (FIRST, SECOND_ONE)]
    connection = sqlite3.connect(tmp_path / "old.db")
    connection.executescript((Path(__file__).parent / "old" / "before_inbox.sql").read_text(encoding="utf-8"))
    connection.close()
    world = World(tmp_path, *place, now=KILLED, database=f"sqlite:///{tmp_path / 'old.db'}", engine=False)
    for code, reading in what_was_said():
        world.centre.took_at = reading.time
        world.send([reading], code=code, settle=False)
        world.centre.work()
    world.centre.took_at = None
    yield world
    if world.running:
        world.engine.close()
    world.store.inner.close()
    world.database.dispose()


def test_who_was_lost_together_and_what_is_held_are_moved_out_of_the_evidence(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "old.db")
    connection.executescript((Path(__file__).parent / "old" / "before_inbox.sql").read_text(encoding="utf-8"))
    connection.close()
    engine = connect(f"sqlite:///{tmp_path / 'old.db'}")
    migrate(engine)
    alert, member = tables.alert, tables.alert_member
    with engine.connect() as connected:
        held = connected.execute(select(alert.c.kind, alert.c.raised_at).where(alert.c.flapping)).all()
        lost = connected.execute(select(member.c.village, member.c.began_at, member.c.ended_at)).all()
        shown = connected.execute(select(alert.c.evidence).where(alert.c.kind == "village_offline")).scalar_one()
    engine.dispose()
    assert [kind for kind, _ in held] == ["facility_failed"]
    assert sorted(map(tuple, lost)) == [(FIRST, LOST, None), (SECOND_ONE, LOST + 30 * SECOND, None)]
    assert shown["villages"] == [FIRST, SECOND_ONE], "people see what they saw"


def test_the_engine_goes_on_with_it(old: World) -> None:
    old.start()
    watched = {code: each.link.listening_since for code, each in old.engine.villages.items()}
    assert watched == {FIRST: NOON, SECOND_ONE: NOON}
    assert [alert.cleared_at for alert in old.alerts("village_offline")] == [None]
    old.send([Reading("gerbang-1", "gate_open", LATE, False)], code=SECOND_ONE)
    for _ in range(8):
        for code in (FIRST, SECOND_ONE):
            old.beat(("gerbang-1", "gate_open", True), code=code)
        old.let(30 * SECOND)
    [offline] = old.alerts("village_offline")
    assert (offline.began_at, offline.ended_at) == (LOST, KILLED)
    assert [alert.cleared_at is None for alert in old.alerts("facility_failed")] == [False, False, False, True]
    assert (LATE, "failed", "gate_open") in old.states("gerbang", SECOND_ONE)
    old.let(31 * MINUTE)
    old.restart()
    assert len(old.alerts("facility_failed")) == 4
