"""Runs single services of a system on several machines, and single changes in the database.

`siaga up` puts the same rooms together in one process (`siaga.run.system`).
"""

import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from siaga.database import connect, migrate, tables, writing
from siaga.database.engine_state import read_values
from siaga.database.leases import Lease
from siaga.database.registry import ImportReport, Registry
from siaga.database.tokens import Issued, Tokens
from siaga.database.upsert import insert
from siaga.model.caller import Role
from siaga.model.clock import SystemClock
from siaga.mqtt import MqttTransport, Tls
from siaga.run.leading import KEEPALIVE
from siaga.run.settings import Settings
from siaga.run.supervisor import supervise
from siaga.sites.on_disk import read_sites_file

__all__ = [
    "ALERTS",
    "alert_session",
    "await_database",
    "create_token",
    "import_sites",
    "issued_tokens",
    "migrated",
    "revoke_token",
    "run_api",
    "run_collector",
    "session_name",
]

log = structlog.get_logger(__name__)

AGAIN = 1.0
"""Seconds between two attempts to reach a database that is down."""
SESSION_EXPIRY = 600
"""Seconds for which the broker keeps messages for an absent alert engine: a restart, an upgrade."""
ALERTS = "alerts"
"""The role under which a process keeps its name in the data directory: it holds leases by it."""
_SESSION = "alerts_session"
"""Key in `engine_state`: the name of partition 0's session with the broker, and the beginning of the others'."""
MAX_QUEUE_BYTES = 16 << 20


def import_sites(settings: Settings, path: Path, *, only: bool = False) -> ImportReport:
    """Take over a sites file into the registry, all of it or nothing. `only`: take out all other villages."""
    sites = read_sites_file(path)
    with migrated(settings) as engine:
        registry = Registry(engine)
        kept = {village.code for village in sites.villages}
        others = {village.code for village in registry.villages()} - kept if only else set()
        now = SystemClock().now()
        return registry.replace(sites.villages, now, sites.regions, sites.holidays, removed=others)


def create_token(settings: Settings, role: Role, name: str, scopes: Sequence[str] = ()) -> str:
    """Returns a new API token; without scopes it sees everything."""
    with migrated(settings) as engine:
        return Tokens(engine).create(role, name, scopes)


def issued_tokens(settings: Settings) -> list[Issued]:
    """The API tokens that were made."""
    with migrated(settings) as engine:
        return Tokens(engine).issued()


def revoke_token(settings: Settings, token: int) -> bool:
    """Take an API token's validity away; whether it was valid before."""
    with migrated(settings) as engine:
        return Tokens(engine).revoke(token)


@contextmanager
def migrated(settings: Settings) -> Iterator[Engine]:
    """The migrated database, for one change."""
    engine = connect(settings.database)
    try:
        migrate(engine)
        yield engine
    finally:
        engine.dispose()


def await_database(engine: Engine, stop: threading.Event, tell: Callable[[str | None], None]) -> Registry | None:
    """Wait for the database, and migrate it. Returns the registry; `None` if `stop` was set before.

    `tell`: called with the reason while the database does not answer, and with `None` at the end.

    Raises:
        UnknownSchema: a newer siaga has written the database.
    """
    told = ""
    while not stop.is_set():
        try:
            migrate(engine)
        except DBAPIError as problem:
            reason = f"the database does not answer: {str(problem.orig).splitlines()[0]}"
            tell(reason)
            if reason != told:
                log.warning("database_away", reason=reason)
            told = reason
            stop.wait(AGAIN)
        else:
            tell(None)
            return Registry(engine)
    return None


def run_collector(settings: Settings, stop: threading.Event) -> None:
    """`siaga collector`, in one process or in several that share one subscription.

    Each has a session of its own, whose name is kept in the data directory. `siaga health collector` speaks for all.
    """
    from collector import run_collector as collect  # noqa: PLC0415 - loaded where it is used

    _outside_store(settings, "collector")
    settings.make_data_dir()
    tls = settings.tls

    def work(stop: threading.Event) -> None:
        collect(settings.central_broker, settings.store, settings.database, settings.data_dir, stop, tls)

    if settings.collector_processes == 1:
        work(stop)
    else:
        supervise("collector", work, settings.collector_processes, stop)


def run_api(settings: Settings, stop: threading.Event) -> None:
    """`siaga api`: the alert engine, the HTTP API and the pages."""
    from siaga.run.system import System, welcome_first_admin  # noqa: PLC0415

    _outside_store(settings, "api")
    settings.make_data_dir()
    sites = read_sites_file(settings.sites) if settings.sites else None
    system = System(settings, SystemClock(), whole=False)
    try:
        system.start(sites, stop)
        if not stop.is_set():
            welcome_first_admin(system)
        stop.wait()
    finally:
        system.stop()


def _outside_store(settings: Settings, service: str) -> None:
    if settings.store.startswith("duckdb:"):
        raise ValueError(
            f"{service}: the embedded store belongs to one process: set SIAGA_STORE_URL to an InfluxDB, "
            "or run everything in one process with `siaga up`"
        )


def session_name(engine: Engine, lease: Lease) -> str:
    """Returns the name by which the broker knows the session of a partition's engine, on whichever machine it runs.

    It is made at the first call for a database.

    Raises:
        DBAPIError: the database does not answer.
    """
    made = {"key": _SESSION, "value": f"siaga-{ALERTS}-{secrets.token_hex(6)}"}
    with writing(engine) as connection:
        connection.execute(insert(connection, tables.engine_state).on_conflict_do_nothing(), made)
        name = read_values(connection, [_SESSION])[_SESSION]
    return f"{name}-{lease.partition}" if lease.partition else str(name)


def alert_session(url: str, name: str, tls: Tls | None = None) -> MqttTransport:
    """Returns the session of an alert engine with the broker, which lasts over a restart.

    It is held: the engine stores that the session may be lost before each connection.
    """
    return MqttTransport(
        url,
        name,
        clean=False,
        expiry=SESSION_EXPIRY,
        max_bytes=MAX_QUEUE_BYTES,
        keepalive=KEEPALIVE,
        held=True,
        tls=tls,
    )
