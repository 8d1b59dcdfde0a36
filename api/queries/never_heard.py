"""Facilities of which nothing was ever heard, as when the address of a device has a typo.

They are in no report: without a first reading they are not judged. So whoever looks at villages is told of them.
"""

from sqlalchemy import Connection, select

from siaga.database import tables
from siaga.database.scopes import within
from siaga.model.scope import Scopes

__all__ = ["never_heard"]


def never_heard(connection: Connection, scopes: Scopes, between: tuple[str, str]) -> dict[str, list[str]]:
    """Returns the facilities with devices of which none ever reported, by village, of those between two codes."""
    facility, device, report = tables.facility, tables.device, tables.first_report
    mine = (device.c.village == facility.c.village, device.c.facility == facility.c.id)
    reported = select(device.c.id).join(
        report, (report.c.village == device.c.village) & (report.c.device == device.c.id)
    )
    rows = connection.execute(
        select(facility.c.village, facility.c.id)
        .where(facility.c.village.between(*between), within(facility.c.village, scopes))
        .where(select(device.c.id).where(*mine).exists(), ~reported.where(*mine).exists())
        .order_by(facility.c.village, facility.c.position)
    )
    found: dict[str, list[str]] = {}
    for village, name in rows.all():
        found.setdefault(village, []).append(name)
    return found
