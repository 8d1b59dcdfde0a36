"""`siaga rebuild`: judge the history again, while no engine runs."""

import secrets
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import structlog
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import DBAPIError

from api.engine import AlertEngine
from api.engine.metrics import EngineMetrics
from api.engine.reader import InlineReader
from api.engine.tables import Tables
from siaga.broker.memory import MemoryBroker, MemoryTransport
from siaga.database import tables, without_deadline, writing
from siaga.database.dealing import carry_over
from siaga.database.leases import Free, Lease, LeaseLost, Leases, check
from siaga.database.registry import Registry
from siaga.database.retention import readings_from
from siaga.model.clock import Clock, SystemClock
from siaga.run.retention import note_own_retention
from siaga.run.services import migrated
from siaga.run.settings import Settings
from siaga.telemetry import TelemetryStore, open_store
from siaga.timeline.recent import reach_of
from siaga.timeline.span_algebra import FOREVER

__all__ = ["EngineRuns", "leading_all", "rebuild"]

log = structlog.get_logger(__name__)

RENEW_EVERY = 2.0
"""Seconds between two renewals of the leases."""


class EngineRuns(RuntimeError):
    """An alert engine runs, so history cannot be judged by another one. The message is a sentence."""

    def __init__(self, partition: int) -> None:
        super().__init__(
            f"rebuild: another siaga leads partition {partition}: end each `siaga up` and `siaga api` first; "
            "of one that was killed the lease is over after 8 s"
        )


def rebuild(settings: Settings, stop: threading.Event, clock: Clock | None = None) -> None:
    """Delete all judgements, and judge again from the stored telemetry. Alerts do not change.

    What cannot be judged again, because its readings are gone, stays as it was judged.

    Raises:
        EngineRuns: a `siaga up` or `siaga api` leads a partition.
        StoreUnavailable: the store is down, or belongs to a running `siaga up`.
    """
    clock = clock or SystemClock()
    store = open_store(settings.store)
    with migrated(settings) as engine:
        try:
            store.check()
            with leading_all(engine, stop) as leases:
                _forget_judgement(engine, leases, store.kept_for(), clock.now())
                _judge(engine, store, clock, stop)
        finally:
            store.close()
    log.info("rebuilt", complete=not stop.is_set())


@contextmanager
def leading_all(engine: Engine, stop: threading.Event) -> Iterator[Sequence[Lease]]:
    """Hold the leases of all partitions, so that no other engine runs meanwhile. Sets `stop` if one is lost.

    Raises:
        EngineRuns: somebody else leads a partition.
    """
    with engine.connect() as connection:
        count = connection.execute(select(func.count()).select_from(tables.engine_lease)).scalar_one()
    leases = Leases(engine, f"rebuild-{secrets.token_hex(6)}", count or 1)
    leases.deal_anew(carry_over)  # a new database has no rows
    held: list[Lease] = []
    ended = threading.Event()
    keeper = threading.Thread(target=_renew, args=(leases, held, ended, stop), name="leases of the rebuild")
    try:
        for number in range(leases.partitions):
            lease = leases.take(number, Free())
            if lease is None:
                raise EngineRuns(number)
            held.append(lease)
        keeper.start()
        yield held
    finally:
        ended.set()
        if keeper.is_alive():
            keeper.join()
        for lease in held:
            with suppress(LeaseLost):
                leases.release(lease)


def _renew(leases: Leases, held: Sequence[Lease], ended: threading.Event, stop: threading.Event) -> None:
    while not ended.wait(RENEW_EVERY):
        try:
            for lease in held:
                leases.renew(lease)
        except DBAPIError as error:  # nobody can write meanwhile
            log.warning("leases_not_renewed", error=type(error).__name__)
        except LeaseLost as lost:
            log.warning("rebuild_ends", reason=str(lost))
            stop.set()
            return


def _forget_judgement(engine: Engine, leases: Sequence[Lease], kept: int | None, now: int) -> None:
    """Delete what can be judged again, and let the engine begin at the beginning. `kept`: for how long the store keeps
    readings, ms; `None`: for ever."""
    villages, first = Registry(engine).villages(), tables.first_report
    with writing(engine) as connection:
        without_deadline(connection)
        for lease in leases:
            check(connection, lease)
        note_own_retention(connection, kept, now)
        since = readings_from(connection)
        for table in (tables.span, tables.dark):
            if since == -FOREVER:
                connection.execute(table.delete())
                continue
            for village in villages:
                since_here = since + reach_of(village)
                connection.execute(table.delete().where(table.c.village == village.code, table.c.start >= since_here))
        connection.execute(first.delete().where(first.c.time >= since))
        connection.execute(tables.village_state.update().values(judged_until=None))


def _judge(engine: Engine, store: TelemetryStore, clock: Clock, stop: threading.Event) -> None:
    """Judge the past alone: nothing comes in meanwhile, nor is anybody's silence of now an alert."""
    nobody = MemoryTransport(MemoryBroker(), "rebuild")
    nobody.cut()
    alerts = AlertEngine(
        Registry(engine),
        Tables(engine, keeps=False),
        clock,
        nobody,
        InlineReader(store),
        metrics=EngineMetrics(CollectorRegistry()),
    )
    alerts.open()
    while not stop.is_set() and not _all_judged(alerts):
        alerts.tick()
    alerts.close()


def _all_judged(alerts: AlertEngine) -> bool:
    return alerts.store_sync.idle and all(village.recall.is_read for village in alerts.villages.values())
