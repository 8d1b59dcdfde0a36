"""When a village was dark: its gateway did not run. The story of one that is asked for nothing in the afternoon."""

from contextlib import closing
from pathlib import Path

from sqlalchemy import text

from siaga.database import connect, migrate, tables, writing
from siaga.database.dark import dark_stretches
from siaga.database.upgrade import upgrade
from siaga.model.clock import HOUR, MINUTE, SECOND
from siaga.model.observation import Reading
from tests.alerts.world import CODE, NOON, World, gate, looking_seldom, village

OPEN = ("gerbang-1", "gate_open", True)
BEAT = 30 * SECOND
HOLDS = 90 * SECOND


def beats(*minutes: float, gateway: str = "gw") -> list[Reading]:
    return [Reading(gateway, "alive", NOON + round(minute * MINUTE), True) for minute in minutes]


def test_an_hour_without_power_is_dark_although_nothing_was_asked(tmp_path: Path) -> None:
    """The gate is asked for until 14.00 alone. From 15.00 to 16.00 there is no power, and at 17.00 the line breaks."""
    with closing(World(tmp_path, village(gate(schedule=("Mon-Sun 08:00-14:00",))))) as world, looking_seldom():
        world.live(180, OPEN)
        last = world.clock.now() - BEAT
        world.let(HOUR)
        assert world.dark() == [], "it may have run: what it buffered is yet to come"
        world.live(60, OPEN)
        hour = (last + HOLDS, NOON + 4 * HOUR)
        assert world.dark() == [hour]
        assert [state for _, state, _ in world.states()] == ["met", "not_required"], "no stretch is split by it"

        # A line that breaks is not the dark: all that it buffered comes
        world.let(3 * HOUR)
        kept = [time for time in range(NOON + 5 * HOUR, NOON + 8 * HOUR, BEAT) if time not in range(*_off())]
        world.send([Reading("gw", "alive", time, True) for time in kept])
        world.let(MINUTE)
        assert world.dark() == [hour, (_off()[0] - BEAT + HOLDS, _off()[1])]

        # A second gateway ran for a part of that hour, and says so by and by
        world.send([Reading("gw-2", "alive", time, True) for time in range(hour[0], hour[0] + 10 * MINUTE, BEAT)])
        world.let(MINUTE)
        assert world.dark()[0] == (hour[0] + 10 * MINUTE - BEAT + HOLDS, hour[1])


def _off() -> tuple[int, int]:
    """When there was no power while the line was broken."""
    return NOON + 6 * HOUR, NOON + 6 * HOUR + 20 * MINUTE


def test_what_was_thrown_away_is_found_again(world: World) -> None:
    """Also from before a facility was judged: the gate speaks half an hour after the gateway."""
    world.send(beats(0, 0.5, 10, 10.5))
    world.let(30 * MINUTE)
    world.live(1, OPEN)
    found = world.dark()
    assert found == [(NOON + 2 * MINUTE, NOON + 10 * MINUTE), (NOON + 12 * MINUTE, NOON + 30 * MINUTE)]
    with writing(world.database) as connection:
        for table in (tables.dark, tables.span, tables.first_report, tables.village_state, tables.village_snapshot):
            connection.execute(table.delete())
    world.restart()
    world.let(MINUTE)
    assert world.dark() == found


def test_what_spans_showed_until_now_is_taken_over(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path / 'siaga.db'}")
    upgrade(engine, "0018")
    spans = [("a", 10, 40), ("b", 30, 50), ("a", 60, 70), ("a", 90, None)]
    with writing(engine) as connection:
        for facility, start, end in spans:
            connection.execute(
                text("INSERT INTO span VALUES (:v, :f, :s, :e, 'unknown', 'village_offline', false, false)"),
                {"v": CODE, "f": facility, "s": start, "e": end},
            )
        connection.execute(
            text("INSERT INTO gateway_state (village, gateway, last_alive) VALUES (:v, 'gw', 90)"), {"v": CODE}
        )
    migrate(engine)
    with engine.connect() as connection:
        assert dark_stretches(connection, (0, 100), (CODE, CODE)) == {CODE: [(10, 50), (60, 70)]}
    engine.dispose()
