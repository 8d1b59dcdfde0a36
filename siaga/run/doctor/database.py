"""The database, and what it says of villages, people, refused payloads and messages. Everything is only read."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

import siaga.database
from siaga.database import connect, is_read_only, tables
from siaga.database.leases import leaderless
from siaga.database.registry import Registry
from siaga.database.self_probe import read_result
from siaga.model.clock import DAY, MINUTE, SECOND, Clock
from siaga.model.sites import Village
from siaga.run.doctor.channels import channels
from siaga.run.doctor.finding import Finding, Said, ok, warning, wrong
from siaga.run.doctor.gateways import gateways
from siaga.run.doctor.service import is_village
from siaga.run.settings import Settings

__all__ = ["look", "look_often"]

WITHIN = 5.0
"""Seconds for a statement."""
NAMED = 3
"""Villages that are named; of the rest the number is said."""
PROBED_WITHIN = 15 * MINUTE
"""Age of the newest self-probe from which on it is missed, ms: two did not come."""
REPLACED_WITHIN = 15 * SECOND
"""ms within which somebody else leads a partition whose leader is gone (contract, section 9)."""
CHECKED_UP_TO = 2 << 30
"""Bytes of a SQLite file up to which it is read whole, to find damage."""


def look_often(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """Look at the database of the settings, without reading all of a SQLite file."""
    return look(settings, clock, checked_up_to=0)


def look(settings: Settings, clock: Clock, checked_up_to: int = CHECKED_UP_TO) -> Iterator[Finding]:
    """Look at the database of the settings. `checked_up_to`: up to which size a SQLite file is read whole, bytes."""
    if is_village(settings):
        return  # a village's machine has none
    url = make_url(settings.database)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        yield wrong("database", Said.DATABASE_ABSENT, file=url.database)
        return
    engine = connect(settings.database, WITHIN)
    try:
        state = _state(engine, checked_up_to)
        yield state
        if state.said is Said.DATABASE_OK:
            yield from _content(settings, engine, clock.now())
    except DBAPIError as problem:
        yield wrong("database", Said.DATABASE_DOWN, reason=str(problem.orig).splitlines()[0])
    finally:
        engine.dispose()


def _state(engine: Engine, checked_up_to: int) -> Finding:
    if is_read_only(engine):
        return wrong("database", Said.DATABASE_STANDBY)
    script = ScriptDirectory(str(Path(siaga.database.__file__).parent / "migrations"))
    known = {revision.revision for revision in script.walk_revisions()}
    with engine.connect() as connection:
        present = set(MigrationContext.configure(connection).get_current_heads())
        if present - known:
            return wrong("database", Said.DATABASE_NEWER, revision=min(present - known))
        if present != set(script.get_heads()):
            return warning("database", Said.DATABASE_OLD, revision=min(present, default="-"))
        if engine.dialect.name == "sqlite":
            file = Path(engine.url.database or "")
            if file.exists() and file.stat().st_size <= checked_up_to:
                said = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
                if said != "ok":
                    return wrong("database", Said.DATABASE_DAMAGED, file=file, reason=str(said).splitlines()[0])
    return ok("database", Said.DATABASE_OK, kind={"postgresql": "PostgreSQL"}.get(engine.dialect.name, "SQLite"))


def _content(settings: Settings, engine: Engine, now: int) -> Iterator[Finding]:
    villages = Registry(engine).villages()
    with engine.connect() as connection:
        yield _leaders(connection)
        yield _heard(connection, villages)
        yield from gateways(connection, {village.code: village.name for village in villages}, now)
        yield _holidays(villages, now)
        yield _people(connection)
        yield _quarantine(connection, now)
        yield from channels(settings, connection)
        yield from _self_probe(settings, connection, now)


def _leaders(connection: Connection) -> Finding:
    absent = leaderless(connection, REPLACED_WITHIN)
    if absent:
        return wrong("leaders", Said.LEADERS_ABSENT, names=", ".join(map(str, absent)))
    return ok("leaders", Said.LEADERS_OK)


def _heard(connection: Connection, villages: Iterable[Village]) -> Finding:
    names = {village.code: village.name for village in villages}
    if not names:
        return warning("villages", Said.VILLAGES_NONE)
    state = tables.village_state
    heard = set(connection.execute(select(state.c.village).where(state.c.last_arrival.is_not(None))).scalars())
    never = [f"{name} ({code})" for code, name in names.items() if code not in heard]
    if not never:
        return ok("villages", Said.VILLAGES_OK, n=len(names))
    more = f", … +{len(never) - NAMED}" if len(never) > NAMED else ""
    return warning("villages", Said.VILLAGES_UNHEARD, n=len(never), names=", ".join(never[:NAMED]) + more)


def _holidays(villages: Iterable[Village], now: int) -> Finding:
    """Without holidays of this year `office` asks for a facility on days on which the office is shut."""
    year = datetime.fromtimestamp(now / 1000).astimezone().year
    lacking = [village for village in villages if not any(day.year == year for day in village.holidays)]
    if lacking:
        return warning("holidays", Said.HOLIDAYS_NONE, n=len(lacking), year=year)
    return ok("holidays", Said.HOLIDAYS_OK, year=year)


def _people(connection: Connection) -> Finding:
    person = tables.person
    admins = connection.execute(
        select(func.count())
        .select_from(person)
        .where(person.c.role == "admin", person.c.removed_at.is_(None), person.c.password_hash.is_not(None))
    ).scalar_one()
    return ok("people", Said.PEOPLE_OK, n=admins) if admins else warning("people", Said.PEOPLE_NO_ADMIN)


def _quarantine(connection: Connection, now: int) -> Finding:
    quarantine = tables.quarantine
    since = quarantine.c.time >= now - DAY
    rows = connection.execute(select(quarantine.c.label, func.count()).where(since).group_by(quarantine.c.label)).all()
    counts = Counter({label or "-": number for label, number in rows})
    if not counts:
        return ok("quarantine", Said.QUARANTINE_OK)
    label, _ = counts.most_common(1)[0]
    return warning("quarantine", Said.QUARANTINE_FILLS, n=counts.total(), label=label)


def _self_probe(settings: Settings, connection: Connection, now: int) -> Iterator[Finding]:
    if not settings.self_probe:
        return
    result = read_result(connection)
    if result is None or now - result.at > PROBED_WITHIN:
        last = (
            "-" if result is None else datetime.fromtimestamp(result.at / 1000).astimezone().isoformat(" ", "minutes")
        )
        yield warning("self_probe", Said.SELF_PROBE_OLD, last=last)
    elif result.problem is not None:
        yield wrong("self_probe", Said.SELF_PROBE_FAILED, reason=result.problem)
    else:
        yield ok("self_probe", Said.SELF_PROBE_OK, seconds=f"{(result.raised or 0) / 1000:.1f}")
        if result.heartbeat is not None:
            yield warning("heartbeat", Said.HEARTBEAT_FAILED, reason=result.heartbeat)
