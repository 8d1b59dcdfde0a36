"""A successor is its predecessor: what an engine knows outlives it in snapshots and inbox, without the store."""

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from api.alerts.snapshot import read, restore, save
from api.alerts.village import WatchedVillage
from siaga.database import tables
from siaga.model.clock import MINUTE, SECOND
from siaga.model.observation import Reading
from siaga.model.sites import Adapter, Device, Facility
from siaga.timeline.judge import Span
from tests.alerts.test_restarts import SAMPLE, WIFI, noticed_whenever, story
from tests.alerts.world import NOON, Alert, World, gate, looking_seldom, village

OPEN, CLOSED = ("gerbang-1", "gate_open", True), ("gerbang-1", "gate_open", False)
OTHER = "35.10.15.2013"
GUARD = Facility("jaga", "night_guard", "Jaga", (Device("jaga-1", Adapter.SENML, MINUTE),))
SAYS = [
    ("gerbang-1", "gate_open", True),
    ("gerbang-1", "gate_open", False),
    ("gerbang-1", "online", False),
    ("ap", "wifi_up", True),
    ("ap", "internet", False),
    ("jaga-1", "checkin", 1),
    ("jaga-1", "checkin", 0),
    ("jaga-1", "battery", 80.0),
    ("gw", "alive", True),
]


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[World]:
    """A centre whose broker keeps the engine's session."""
    world = World(tmp_path, kept=True)
    yield world
    world.close()


def rows(world: World) -> int:
    with world.database.connect() as connection:
        return connection.execute(select(func.count()).select_from(tables.inbox)).scalar_one()


def told(path: Path, restart_at: int | None) -> tuple[list[Alert], list[Span], list[Span]]:
    world = World(path, village(gate(), WIFI), kept=True)
    try:
        for number, step in enumerate(story()):
            if number == restart_at:
                world.store.away = True
                world.stop()
                world.start()
            step(world)
        return [noticed_whenever(alert) for alert in world.alerts()], world.spans(), world.spans("wifi")
    finally:
        world.close()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Alert], list[Span], list[Span]]:
    return told(tmp_path_factory.mktemp("undisturbed"), None)


@pytest.mark.parametrize("step", SAMPLE[::2])
def test_a_crash_with_the_store_away_changes_no_alert_and_no_span(
    tmp_path: Path, undisturbed: tuple[list[Alert], list[Span], list[Span]], step: int
) -> None:
    assert told(tmp_path, step) == undisturbed


said = st.lists(
    st.tuples(st.integers(0, 90), st.sampled_from(SAYS), st.integers(0, 1200), st.sampled_from(["take", "hold"])),
    max_size=40,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(said, st.randoms(use_true_random=False))
def test_a_village_that_is_restored_is_the_one_that_was_saved(
    steps: list[tuple[int, tuple[str, str, object], int, str]], chance: random.Random
) -> None:
    """Readings come up to twenty minutes late, in any order; the centre stores them at once, or later."""
    with TemporaryDirectory() as directory, looking_seldom():
        world = World(Path(directory), village(gate(), WIFI, GUARD))
        try:
            for pause, (device, signal, value), late, centre in steps:
                world.centre.held = centre == "hold"
                world.let(pause * SECOND + 1)
                now = world.clock.now()
                readings = [Reading(device, signal, now - late * chance.choice([0, 0, SECOND]), value)]  # type: ignore[arg-type] # terse
                world.send(readings, settle=chance.random() < 0.8)
            for each in world.engine.villages.values():
                state = save(each)
                again = WatchedVillage.new(each.site, world.clock.now(), 0, each.recent.first)
                restore(again, read(state))
                assert read(save(again)) == read(state)
                assert again.recent.covers == each.recent.covers
        finally:
            world.close()


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(said, st.integers(0, 40))
def test_whatever_comes_later_has_the_same_outcome(
    steps: list[tuple[int, tuple[str, str, object], int, str]], crash: int
) -> None:
    """The engine is killed once and its successor has no store to ask; it tells what one tells that lives on."""
    found = []
    for crashes in (False, True):
        with TemporaryDirectory() as directory, looking_seldom():
            world = World(Path(directory), village(gate(grace=0), WIFI, GUARD), kept=True)
            try:
                for number, (pause, one, late, _) in enumerate(steps):
                    if crashes and number == crash:
                        world.store.away = True
                        world.restart()
                    world.let(pause * SECOND + 1)
                    world.beat(one, at=world.clock.now() - min(late, 100) * SECOND)
                world.store.away = False
                world.let(20 * SECOND)
                facilities = [each.id for each in world.villages[0].facilities]
                told_of = [replace(noticed_whenever(alert), cleared_at=None) for alert in world.alerts()]
                found.append(([world.spans(each) for each in facilities], sorted(told_of, key=str)))
            finally:
                world.close()
    assert found[0] == found[1]


def test_the_broker_is_told_after_the_commit(kept: World) -> None:
    """A batch that was read and not committed comes again."""
    kept.live(2, OPEN)
    kept.send([Reading("gerbang-1", "gate_open", kept.clock.now(), False)], settle=False)
    message = kept.transport.receive(0)
    assert message is not None
    kept.engine.receive(message)
    closed = kept.clock.now()
    kept.restart()
    assert kept.states()[-1] == (closed, "failed", "gate_open")


def test_what_changes_no_span_is_committed_within_a_moment(kept: World) -> None:
    kept.live(1, OPEN)
    before = rows(kept)
    kept.beat(OPEN)
    kept.let(200)
    assert rows(kept) > before


def test_with_the_database_away_nothing_is_taken_and_it_is_said(kept: World) -> None:
    kept.live(2, OPEN)
    with kept.database.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE inbox RENAME TO hidden")
    closed = kept.clock.now()
    kept.beat(CLOSED)
    kept.beat(CLOSED, at=closed + 1)
    assert not kept.engine.takes
    assert "database" in (kept.engine.problem or "")
    assert kept.transport.inbound, "the broker keeps it"
    with kept.database.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE hidden RENAME TO inbox")
    kept.let(2 * SECOND)
    assert kept.engine.takes
    assert kept.engine.problem is None
    assert kept.states()[-1] == (closed, "failed", "gate_open")


def test_rows_go_when_a_snapshot_has_them(kept: World) -> None:
    kept.live(10, OPEN)
    assert 0 < rows(kept) <= 10
    kept.restart(clean=True)
    assert rows(kept) == 0
    kept.live(1, OPEN)
    assert kept.states() == [(NOON, "met", None)]


def test_hours_without_the_store_leave_numbers_and_stretches(kept: World) -> None:
    """Of batches that the store has not acknowledged a range is kept, however many they are."""
    kept.live(2, OPEN)
    kept.centre.held = True
    kept.live(30, OPEN)
    [place] = kept.engine.villages.values()
    kept.let(2 * MINUTE)
    save(place)
    assert len(place.history.awaited.ranges()) <= 2
    assert rows(kept) <= 10


def test_history_waits_for_what_the_store_is_known_to_lack(kept: World) -> None:
    """Late data is stored; of the hours before it the store has nothing yet, and memory has it no more."""
    kept.live(5, OPEN)
    kept.centre.held = True
    kept.live(40, OPEN)
    kept.restart()
    kept.let(SECOND)
    late = NOON + 20 * MINUTE + 10 * SECOND
    payload = kept.send([Reading("gerbang-1", "gate_open", late, False)], settle=False)
    kept.settle()
    kept.engine.villages[kept.villages[0].code].history.mark(late - MINUTE, late + MINUTE, 0, now=True)
    kept.let(10 * SECOND)
    assert kept.states() == [(NOON, "met", None)]
    kept.centre.held = False
    kept.resend(payload)
    kept.live(2, OPEN)
    assert kept.states() == [(NOON, "met", None), (late, "failed", "gate_open"), (NOON + 21 * MINUTE, "met", None)]


@pytest.mark.looks_often
def test_a_village_that_is_taken_out_holds_up_no_others_snapshots(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.engine.engine.FOLDS", 1)
    world = World(tmp_path, village(), village(code=OTHER))
    world.live(2, OPEN)
    world.beat(OPEN, code=OTHER)
    world.live(0.5, OPEN)
    world.registry.replace([village()], world.clock.now(), removed=[OTHER])
    world.live(6, OPEN)
    assert rows(world) < 10, "a village has no more than those of a minute and some seconds"
    world.close()
