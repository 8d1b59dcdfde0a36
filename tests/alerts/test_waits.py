"""Why something is not said yet is shown to people, for as long as it is not said."""

from sqlalchemy import select

from api.alert_records.excuses import with_plan
from siaga.database import tables
from siaga.model.clock import MINUTE, SECOND
from siaga.model.observation import Reading
from tests.alerts.world import CODE, World

OPEN, CLOSED = ("gerbang-1", "gate_open", True), ("gerbang-1", "gate_open", False)


def shown(world: World) -> list[object]:
    """What the API shows of the open alerts' waiting."""
    with world.database.connect() as connection:
        rows = connection.execute(select(tables.alert).where(tables.alert.c.cleared_at.is_(None))).mappings()
        alerts = with_plan(connection, [{str(key): value for key, value in row.items()} for row in rows], 0)
    return [alert["evidence"].get("waits") for alert in alerts]  # type: ignore[attr-defined] # JSON


def test_an_alert_whose_end_is_not_certain_says_why_and_until_when(world: World) -> None:
    world.live(2, OPEN)
    world.live(8, CLOSED)
    assert shown(world) == [None]
    world.let(2 * MINUTE)
    back = world.clock.now()
    late = [Reading("gw", "alive", back - n * 30 * SECOND, True) for n in range(5)]
    late += [Reading("gerbang-1", "gate_open", back - n * MINUTE, True) for n in range(4)]
    world.send(late)
    assert shown(world) == [{"reason": "catching_up", "until": "2026-03-05T05:12:05Z"}]
    [place] = world.engine.villages.values()
    assert list(place.waits) == [("facility_failed", f"{CODE}/gerbang")]
    world.restart()
    world.live(1, OPEN)
    assert shown(world) == []
    assert [alert.cleared_at is None for alert in world.alerts("facility_failed")] == [False]
    with world.database.connect() as connection:
        state = tables.engine_state
        value = connection.execute(select(state.c.value).where(state.c.key == f"waits/{CODE}")).scalar_one()
    assert value == []


def test_what_a_gateway_says_of_an_offline_village_waits_until_it_is_back(world: World) -> None:
    """Neither kind asks whether it can be said: `decide` does. An alert of before may be over meanwhile."""
    world.live(2, OPEN)
    world.health(0.9)
    world.let(10 * MINUTE)
    world.health(0.1, gerbang_1=(3600.0, world.clock.now() / 1000))
    [place] = world.engine.villages.values()
    assert [(kind, waits.reason) for (kind, _), waits in place.waits.items()] == [("clock_skew", "village_offline")]
    assert [alert.kind for alert in world.alerts() if alert.cleared_at is None] == ["village_offline"]
    world.live(1, OPEN)
    assert [alert.kind for alert in world.alerts() if alert.cleared_at is None] == ["clock_skew"]
    assert not place.waits
