"""Two engines on one database, both running: each alert comes once, dated right, whichever is killed or cut off."""

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from api.alerts.engine import AlertEngine
from api.alerts.metrics import EngineMetrics
from api.alerts.reader import InlineReader
from api.alerts.tables import Tables
from siaga.broker.memory import MemoryTransport
from siaga.database.registry import Registry
from tests.alerts.test_restarts import WIFI, noticed_whenever, story
from tests.alerts.world import Alert, World, gate, village
from tests.servers import Postgres


class TwoEngines(World):
    """A world with a second engine, of another name and with a session of its own."""

    second: AlertEngine | None = None

    def start_second(self) -> None:
        """Begin the second engine, or its successor."""
        self.session = MemoryTransport(self.broker, "engine-2", clean=False, max_queue=1_000_000)
        engine = AlertEngine(
            Registry(self.database),
            Tables(self.database, "engine-2"),
            self.clock,
            self.session,
            InlineReader(self.store),  # type: ignore[arg-type] # it hands everything on
            metrics=EngineMetrics(CollectorRegistry()),
        )
        engine.open()
        self.second = engine

    def kill_second(self) -> None:
        """It is gone without a word."""
        self.session.cut()
        self.session.close()
        self.second = None

    def settle(self) -> None:
        """Let both come to rest."""
        for _ in range(2):
            if self.running:
                super().settle()
            self.centre.work()
            if self.second is not None:
                while self.second.takes and (message := self.session.receive(0)) is not None:
                    self.second.receive(message)
                while self.second.tick() is not None and self.second.store_sync.busy:
                    pass


def told(path: Path, database: str | None, *, troubled: bool) -> tuple[list[Alert], list[tuple[str, str]]]:
    world = TwoEngines(path, village(gate(), WIFI), database=database, kept=True)
    try:
        if troubled:
            world.start_second()
        for number, step in enumerate(story()):
            match number if troubled else None:
                case 8 | 40:
                    world.kill_second()
                case 12 | 44:
                    world.start_second()
                case 16 | 30 | 56:
                    world.restart()
                case 22:
                    world.session.cut()
                case 26:
                    world.session.restore()
            step(world)
        return [noticed_whenever(alert) for alert in world.alerts()], world.events()
    finally:
        world.close()


@pytest.mark.parametrize("kind", ["postgresql", "sqlite"])
def test_each_alert_comes_once(tmp_path: Path, postgres: Postgres, kind: str) -> None:
    (tmp_path / "alone").mkdir()
    alone, _ = told(tmp_path / "alone", None, troubled=False)
    url = postgres.database_url() if kind == "postgresql" else f"sqlite:///{tmp_path / 'both.db'}"
    both, events = told(tmp_path, url, troubled=True)
    assert both == alone
    assert sorted(events) == sorted(
        [("raised", each.kind) for each in both]
        + [("cleared", each.kind) for each in both if each.cleared_at is not None]
    )
