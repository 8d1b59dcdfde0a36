"""Gateways: whether they are heard, and what is wrong with them, the worst first."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, and_, case, func, select

from siaga.database import tables
from siaga.database.scopes import within
from siaga.model.alert_kinds import Kind
from siaga.model.scope import Scopes

__all__ = ["GatewayNow", "gateways"]


@dataclass(frozen=True, slots=True)
class GatewayNow:
    """A gateway of a village as the engine knows it; times in ms.

    `gateway`: its id; `None`: none was ever heard in the village. `online`, `since`: the village's link, in wall time.
    `status`: what its session with the broker says, `online` or `offline`. `last_arrival`: wall time at which
    something came from it. `last_alive`: its last heartbeat by its own clock. `buffer`: how full its buffer was, 0 to
    1, when the open alert about that was raised. `skewed`: open alerts of the village about clocks.
    """

    village: str
    name: str
    timezone: str
    gateway: str | None
    online: bool
    since: int | None
    status: str | None
    last_arrival: int | None
    last_alive: int | None
    buffer: float | None
    has_buffer_alert: bool
    skewed: int

    @property
    def is_fine(self) -> bool:
        """Whether nothing about it needs attention."""
        return self.online and self.status != "offline" and not self.has_buffer_alert and not self.skewed


def gateways(connection: Connection, scopes: Scopes, offset: int, limit: int) -> list[GatewayNow]:
    """Returns gateways of some scopes: not heard, never heard, full buffers, wrong clocks, then those that are fine.

    Among equals who was heard longest ago stands first.
    """
    village, state, gateway, alert = tables.village, tables.village_state, tables.gateway_state, tables.alert
    is_open = alert.c.cleared_at.is_(None)
    skew = (
        select(alert.c.village, func.count().label("skewed"))
        .where(is_open, alert.c.kind == Kind.CLOCK_SKEW.value, within(alert.c.village, scopes))
        .group_by(alert.c.village)
        .subquery()
    )
    full = alert.alias()
    is_full = and_(
        full.c.village == gateway.c.village,
        full.c.device == gateway.c.gateway,
        full.c.kind == Kind.GATEWAY_BUFFER.value,
        full.c.cleared_at.is_(None),
    )
    joined = (
        village.outerjoin(state, state.c.village == village.c.code)
        .outerjoin(gateway, gateway.c.village == village.c.code)
        .outerjoin(full, is_full)
        .outerjoin(skew, skew.c.village == village.c.code)
    )
    rank = case(
        (and_(gateway.c.gateway.is_not(None), func.coalesce(state.c.link, "offline") != "online"), 0),
        (gateway.c.gateway.is_(None), 1),
        (gateway.c.status == "offline", 2),
        (full.c.id.is_not(None), 3),
        (skew.c.skewed.is_not(None), 4),
        else_=5,
    )
    query = (
        select(
            village.c.code,
            village.c.name,
            village.c.timezone,
            gateway.c.gateway,
            state.c.link,
            state.c.since,
            gateway.c.status,
            gateway.c.last_arrival,
            gateway.c.last_alive,
            full.c.id.label("alert"),
            full.c.evidence,
            skew.c.skewed,
        )
        .select_from(joined)
        .where(within(village.c.code, scopes))
        .order_by(rank, func.coalesce(gateway.c.last_arrival, 0), village.c.code, gateway.c.gateway)
        .offset(offset)
        .limit(limit)
    )
    return [
        GatewayNow(
            row.code,
            row.name,
            row.timezone,
            row.gateway,
            row.link == "online",
            row.since,
            row.status,
            row.last_arrival,
            row.last_alive,
            _fill(row.evidence),
            row.alert is not None,
            row.skewed or 0,
        )
        for row in connection.execute(query)
    ]


def _fill(evidence: Mapping[str, object] | None) -> float | None:
    fill = evidence.get("buffer") if isinstance(evidence, Mapping) else None
    return float(fill) if isinstance(fill, int | float) else None
