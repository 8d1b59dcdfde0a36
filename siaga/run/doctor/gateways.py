"""The villages' gateways, as the engine knows them: two of one name, and another version than the centre's."""

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version

from sqlalchemy import Connection, select

from siaga.database import tables
from siaga.model.clock import DAY
from siaga.run.doctor.finding import Finding, Said, ok, warning, wrong

__all__ = ["gateways"]

NAMED = 3
"""Gateways that are named; of the rest the number is said."""


def gateways(connection: Connection, names: Mapping[str, str], now: int) -> Iterator[Finding]:
    """Look at the gateways of these villages. `names`: by code."""
    table = tables.gateway_state
    rows = connection.execute(
        select(table.c.village, table.c.gateway, table.c.version, table.c.twin_at)
        .where(table.c.last_arrival.is_not(None), table.c.village.in_(names))
        .order_by(table.c.village, table.c.gateway)
    ).all()
    twins = [
        f"{names[row.village]} ({row.village}/{row.gateway})" for row in rows if row.twin_at and now - row.twin_at < DAY
    ]
    if twins:
        yield wrong("gateways", Said.GATEWAYS_TWINS, n=len(twins), names=_some(twins))
    else:
        yield ok("gateways", Said.GATEWAYS_OK, n=len(rows))
    own = version("siaga")
    other = [f"{names[row.village]} ({row.version})" for row in rows if row.version not in (None, own)]
    if other:
        yield warning("gateway_versions", Said.GATEWAYS_OTHER, n=len(other), names=_some(other), version=own)


def _some(names: Sequence[str]) -> str:
    more = f", … +{len(names) - NAMED}" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
