"""Old readings go, each night; what was judged from them stays."""

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.exc import TimeoutError as PoolTimeout

from api.complaints.rows import DaySecrets, Said, make
from api.complaints.rules import Way, shown_id
from siaga.database import connect, migrate, tables, writing
from siaga.database.retention import move_readings_from, readings_from
from siaga.database.spans import read_spans
from siaga.model.clock import DAY, HOUR, MINUTE, ManualClock
from siaga.model.observation import Reading
from siaga.run.complaints import erase_complaint
from siaga.run.rebuild import rebuild
from siaga.run.retention import AHEAD, Retention
from siaga.run.settings import Settings, SettingsError, load_settings
from siaga.telemetry import SHORTEST_KEPT, StoreUnavailable, open_store
from siaga.timeline.judge import Span
from siaga.timeline.span_algebra import FOREVER, cut
from tests.alerts.world import CODE, World, gate, looking_seldom, village

NIGHT = datetime(2026, 3, 5, 1, 0).astimezone()
"""01.00 by the machine's own clock."""
NOON = round((NIGHT + timedelta(hours=11)).timestamp() * 1000)
KEEP = 35 * DAY
END = NOON + DAY


class Store:
    """A store that notes what it is told, and may keep things by a setting of its own."""

    def __init__(self) -> None:
        self.thinned: list[int] = []
        self.own: int | None = None
        self.away = False
        self.asked: Callable[[], object] = lambda: None

    def thin(self, before: int) -> None:
        if self.away:
            raise StoreUnavailable("the store is away")
        self.thinned.append(before)

    def kept_for(self) -> int | None:
        self.asked()
        return self.own


class Nights:
    """Retention with a clock that is moved by hand."""

    def __init__(self, path: Path, keep: int | None) -> None:
        self.store, self.clock = Store(), ManualClock(NOON)
        self.engine = connect(f"sqlite:///{path / 'siaga.db'}")
        migrate(self.engine)
        self.retention = Retention(self.engine, self.store, keep, self.clock)  # type: ignore[arg-type] # all that it asks

    def after(self, ms: int) -> bool:
        self.clock.advance(ms)
        return self.retention.step()

    def noted(self) -> int:
        with self.engine.connect() as connection:
            return readings_from(connection)


@pytest.fixture
def nights(tmp_path: Path) -> Iterator[Nights]:
    made = Nights(tmp_path, KEEP)
    yield made
    made.engine.dispose()


def test_texts_of_complaints_go_with_it_also_while_the_store_is_away(nights: Nights, tmp_path: Path) -> None:
    said = Said(CODE, "gerbang", "gate", "gate_closed", "tutup", Way.FORM, "10.0.0.1")
    old, young = (make(nights.engine, said, "secret", NOON - age)[0] for age in (366 * DAY, 364 * DAY))
    nights.store.away = True
    assert not nights.after(0)
    kept = select(tables.complaint.c.id).where(tables.complaint.c.note != "")
    with nights.engine.connect() as connection:
        assert connection.execute(kept).scalars().all() == [young]
    settings = load_settings({"data_dir": tmp_path})
    assert (erase_complaint(settings, shown_id(young)), erase_complaint(settings, "none")) == (True, False)
    with nights.engine.connect() as connection:
        assert connection.execute(kept).scalars().all() == []
        assert set(connection.execute(select(tables.complaint.c.id)).scalars()) == {old, young}


def test_the_hash_of_an_address_goes_at_night_though_nobody_opens_a_form(nights: Nights) -> None:
    secret = DaySecrets(nights.engine).of(NOON)[0]
    make(nights.engine, Said(CODE, "gerbang", "gate", "gate_closed", "", Way.FORM, "10.0.0.1"), secret, NOON)
    nights.after(0)
    sender, days = select(tables.complaint.c.sender), select(tables.complaint_day.c.secret)
    with nights.engine.connect() as connection:
        assert connection.execute(sender).scalar() is not None
    nights.after(2 * DAY)
    with nights.engine.connect() as connection:
        assert connection.execute(sender).scalars().all() == [None]
        assert connection.execute(days).scalars().all() == []


def test_it_is_applied_at_the_start_and_then_each_night(nights: Nights) -> None:
    assert nights.after(0)
    assert not nights.after(12 * HOUR), "at midnight"
    assert nights.after(2 * HOUR)
    assert not nights.after(HOUR)
    first = round(NIGHT.timestamp() * 1000) - KEEP
    assert nights.store.thinned == [first, first + DAY]
    assert nights.noted() == first + DAY


def test_what_fails_is_noted_as_gone_and_tried_again_after_half_an_hour(nights: Nights) -> None:
    nights.store.away = True
    assert not nights.after(0)
    assert nights.noted() == round(NIGHT.timestamp() * 1000) - KEEP
    nights.store.away = False
    assert not nights.after(29 * MINUTE)
    assert nights.after(MINUTE)


def test_no_error_ends_it_for_good(nights: Nights) -> None:
    def no_connection() -> None:
        raise PoolTimeout("QueuePool limit")

    nights.store.asked = no_connection
    assert not nights.after(0)
    nights.store.asked = lambda: None
    assert nights.after(30 * MINUTE)


def test_of_several_members_one_does_it_at_a_time(nights: Nights) -> None:
    other = Retention(nights.engine, nights.store, KEEP, nights.clock)  # type: ignore[arg-type] # as above
    meanwhile: list[bool] = []
    nights.store.asked = lambda: meanwhile.append(len(meanwhile) == 0 and other.step())
    assert nights.after(0)
    assert meanwhile == [False]
    assert other.step()


def test_what_a_store_deletes_by_itself_is_noted_too(tmp_path: Path) -> None:
    nights = Nights(tmp_path, None)
    assert nights.after(0)
    assert (nights.store.thinned, nights.noted()) == ([], -FOREVER)
    nights.store.own = 40 * DAY
    assert nights.after(DAY)
    assert nights.noted() == nights.clock.now() - 40 * DAY + AHEAD
    nights.engine.dispose()


def test_the_database_is_free_while_the_store_is_asked(nights: Nights) -> None:
    impatient = connect(nights.engine.url.render_as_string(), 0.1)
    asked: list[int] = []

    def note() -> None:
        with writing(impatient) as connection:
            asked.append(readings_from(connection))

    nights.store.asked = note
    assert nights.after(0)
    impatient.dispose()
    assert len(asked) == 1


@pytest.mark.parametrize("value", ["400", "34d", "4000d", "selamanya"])
def test_a_wrong_duration_is_said_with_the_setting(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIAGA_KEEP_TELEMETRY", value)
    with pytest.raises(SettingsError, match=f'SIAGA_KEEP_TELEMETRY: "{value}": it (is|must be) '):
        load_settings()


def test_its_setting_is_a_duration(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().keep_telemetry is None
    monkeypatch.setenv("SIAGA_KEEP_TELEMETRY", "35d")
    assert load_settings().keep_telemetry == SHORTEST_KEPT


def test_spans_outlive_their_readings_and_a_rebuild_leaves_them(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, keep_telemetry=KEEP)
    world = World(tmp_path, now=NOON, database=settings.database, store=open_store(settings.store))
    with looking_seldom():
        for start in range(NOON, END, 12 * HOUR):
            world.let(12 * HOUR)
            times = range(start, start + 12 * HOUR, MINUTE)
            world.send([Reading("gw", "alive", time, True) for time in times])
            world.send([Reading("gerbang-1", "gate_open", time, (time - NOON) // HOUR % 7 != 3) for time in times])
            world.let(MINUTE)
    judged = before(world, END)
    assert len([span for span in judged if span.fails]) > 2
    gone = NOON + 12 * HOUR
    with writing(world.database) as connection:
        move_readings_from(connection, gone)
    world.store.inner.thin(gone)

    # All is to be judged again, for another sites file and for a late reading of a time that is gone
    world.registry.replace([village(gate(grace=3 * MINUTE))], world.clock.now())
    world.send([Reading("gerbang-1", "gate_open", NOON + HOUR, False)])  # late, for a time that is gone
    world.restart()
    world.let(MINUTE)
    assert before(world, END) == judged

    now = world.clock.now()
    world.stop()
    world.store.inner.close()
    rebuild(settings, threading.Event(), ManualClock(now))
    assert before(world, END) == judged
    with world.database.connect() as connection:
        first = tables.first_report
        reported = connection.execute(select(first.c.time).where(first.c.device == "gerbang-1")).scalars().all()
    assert reported == [NOON], "the first report outlives its reading"


def before(world: World, end: int) -> list[Span]:
    """Returns the spans that begin before a time, cut there."""
    with world.database.connect() as connection:
        return cut(read_spans(connection, CODE, "gerbang", -FOREVER, FOREVER), -FOREVER, end)
