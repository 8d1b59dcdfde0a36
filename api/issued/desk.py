"""Issuing a report for somebody who waits: an order, a process that makes it, and the report."""

import asyncio

import anyio.to_thread
from sqlalchemy import Engine, select

from api.issued import orders
from api.issued.asked import Asked
from api.issued.edition import NoLongerCurrent, TooLarge
from api.issued.orders import LEASE, Placed
from api.issued.process import Job, Mine, packed, work_on
from api.reports.forms import CannotSet
from api.reports.maker import CannotMake, ReportMaker
from api.reports.office import Office
from api.words import Sentence
from siaga.database import tables, writing
from siaga.model.clock import SECOND, Clock

__all__ = ["IssueDesk"]

LOOK = 0.3
"""Seconds between two looks for a report that another process makes."""


class IssueDesk:
    """Issues reports. All of its methods belong to the loop that serves HTTP."""

    def __init__(
        self, engine: Engine, maker: ReportMaker, office: Office, clock: Clock, *, elsewhere: bool | None = None
    ) -> None:
        """Issue reports in processes of the maker; where `elsewhere` says no, in this one."""
        self._engine, self._maker, self._office, self._clock = engine, maker, office, clock
        self._elsewhere = maker.elsewhere if elsewhere is None else elsewhere

    async def issue(self, asked: Asked, who: str) -> tuple[str, bool]:
        """Issue a report; its id, and whether this call ordered it: the same caller had ordered the same before.

        Raises:
            CannotMake: too many are being made, or it takes too long, or it cannot be made.
        """
        key = asked.key(who)
        placed = await anyio.to_thread.run_sync(self._place, asked, key)
        if placed.lease is None:
            await self._another_makes(placed)
            return placed.report, False
        try:
            await self._make(Mine(key, placed.lease))
        except BaseException:
            await anyio.to_thread.run_sync(self._withdraw, key, placed.lease)
            raise
        if not await anyio.to_thread.run_sync(self._is_there, placed.report):
            raise CannotMake(Sentence("made_not_in_time"))
        return placed.report, True

    async def _make(self, mine: Mine) -> None:
        if self._elsewhere:
            url = self._engine.url.render_as_string(hide_password=False)
            await self._maker.run("api.issued.process", packed(Job(url, self._office, self._clock.now(), mine)))
            return
        try:
            await anyio.to_thread.run_sync(work_on, self._engine, mine, self._office, self._clock.now)
        except (TooLarge, NoLongerCurrent, CannotSet) as problem:
            raise CannotMake(problem.sentence) from None

    async def _another_makes(self, placed: Placed) -> None:
        """Wait for a report that another call, or another process, makes.

        Raises:
            CannotMake: it was not made.
        """
        deadline = self._clock.monotonic() + LEASE - 20 * SECOND
        while self._clock.monotonic() < deadline:
            there, ordered = await anyio.to_thread.run_sync(self._state, placed)
            if there:
                return
            if not ordered:
                raise CannotMake(Sentence("made_twice"))
            await asyncio.sleep(LOOK)
        raise CannotMake(Sentence("made_meanwhile"))

    def _place(self, asked: Asked, key: str) -> Placed:
        """Order it, unless it was ordered, or issued by this key before."""
        table = tables.report
        with writing(self._engine) as connection:
            placed = orders.place(connection, asked, key, self._clock.now(), mine=True)
            # After the order: who made one with this key has ended their order, and the report is there
            issued = connection.execute(select(table.c.id).where(table.c.key == key)).scalar()
            if issued is None:
                return placed
            if placed.lease is not None:
                orders.withdraw(connection, key, placed.lease)
        return Placed(key, issued, None)

    def _withdraw(self, key: str, lease: str) -> None:
        with writing(self._engine) as connection:
            orders.withdraw(connection, key, lease)

    def _is_there(self, report: str) -> bool:
        table = tables.report
        with self._engine.connect() as connection:
            return connection.execute(select(table.c.id).where(table.c.id == report)).first() is not None

    def _state(self, placed: Placed) -> tuple[bool, bool]:
        """Whether the report is there, and whether it is ordered still. The order first: both go in one transaction."""
        table = tables.report_order
        with self._engine.connect() as connection:
            ordered = connection.execute(select(table.c.key).where(table.c.report == placed.report)).first() is not None
        return self._is_there(placed.report), ordered
