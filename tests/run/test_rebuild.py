"""`siaga rebuild` judges alone: no engine runs beside it, and none begins before it has ended."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from api.alerts.outcome import Changes
from api.engine.tables import Tables
from siaga.database import connect, tables, writing
from siaga.database.dealing import carry_over
from siaga.database.leases import Free, Held, Leases
from siaga.database.registry import Registry
from siaga.model.clock import HOUR, ManualClock
from siaga.model.observation import Point
from siaga.model.signals import Value
from siaga.run import rebuild as module
from siaga.run.rebuild import EngineRuns, leading_all, rebuild
from siaga.run.settings import Settings
from siaga.telemetry import open_store
from siaga.timeline.dark import Darkness
from siaga.timeline.judge import Span, State
from siaga.timeline.span_algebra import FOREVER, Difference
from tests.alerts.world import CODE, NOON, village
from tests.schema import with_tables
from tests.wait import until

JUDGED = [Span(NOON, FOREVER, State.FAILED, "gate_open")]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path)


@pytest.fixture
def database(settings: Settings) -> Iterator[Engine]:
    engine = with_tables(connect(settings.database))
    yield engine
    engine.dispose()


def leases(engine: Engine, partitions: int = 2) -> Leases:
    found = Leases(engine, "api", partitions)
    found.deal_anew(carry_over)
    return found


class Looking(ManualClock):
    """A clock that notes, each time it is read, how the leases stand."""

    def __init__(self, of: Leases) -> None:
        super().__init__(NOON + 60_000)
        self.of, self.seen = of, set[str]()

    def now(self) -> int:
        self.seen |= {type(self.of.look(number)).__name__ for number in range(self.of.partitions)}
        return super().now()


def test_history_is_not_judged_beside_an_engine(settings: Settings, database: Engine) -> None:
    Registry(database).replace([village()], NOON)
    changes = Changes()
    changes.spans_changed(CODE, "gerbang", Difference([], JUDGED))
    changes.dark[CODE] = [Darkness((NOON - HOUR, NOON), [(NOON - HOUR, NOON)])]
    Tables(database).commit(changes)
    store = open_store(settings.store)
    said: dict[str, dict[str, Value]] = {"gw": {"alive": True}, "gerbang-1": {"gate_open": True}}
    store.write([Point(CODE, device, NOON, NOON, values) for device, values in said.items()])
    store.close()
    api = leases(database)
    led = api.take(1, Free())
    assert led is not None
    with pytest.raises(EngineRuns, match="another siaga leads partition 1: end each"):
        rebuild(settings, threading.Event())
    assert Tables(database).spans(CODE, "gerbang", -FOREVER) == JUDGED
    assert api.look(0) == Free()

    api.release(led)
    clock = Looking(api)
    rebuild(settings, threading.Event(), clock)
    assert clock.seen == {"Held"}
    assert [api.look(number) for number in (0, 1)] == [Free(), Free()]
    assert Tables(database).spans(CODE, "gerbang", -FOREVER) == [Span(NOON, FOREVER, State.MET)]
    with database.connect() as connection:
        assert connection.execute(select(tables.dark)).all() == [], "no heartbeat says that it was dark before noon"


def test_its_leases_hold_until_it_ends_and_it_ends_when_one_is_lost(
    database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RENEW_EVERY", 0.01)
    api, stop, lease = leases(database), threading.Event(), tables.engine_lease
    with leading_all(database, stop):
        with writing(database) as connection:
            connection.execute(lease.update().values(until=0))
        until(lambda: isinstance(api.look(0), Held) and isinstance(api.look(1), Held), what="both are renewed")
        assert not stop.is_set()
        with writing(database) as connection:
            connection.execute(
                lease.update().where(lease.c.partition == 1).values(holder="api", epoch=lease.c.epoch + 1)
            )
        until(stop.is_set)
    with database.connect() as connection:
        holders = connection.execute(select(lease.c.holder).where(lease.c.until > 0)).scalars().all()
    assert holders == ["api"], "what is somebody else's stays so"
