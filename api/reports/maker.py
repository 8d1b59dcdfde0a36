"""Making reports: a small one here, a large one in a process of its own, so that no alert and no page waits for it.

The process gets a low priority, a deadline, and a bound on memory. It ends with its report, and gives all memory back.
It is a copy of one that has imported everything already, so it begins at once (`ForkServer`).
"""

import asyncio

import anyio.to_thread
from prometheus_client import CollectorRegistry, Counter
from sqlalchemy import Engine

from api.queries.report import facility_days
from api.reports.answer import DEADLINE, answer, packed
from api.reports.fork_server import ForkServer, JobFailed
from api.reports.forms import Form, Question
from api.reports.glance import Glance, Part
from api.reports.glance_process import glance_job, look, read_glance
from api.reports.office import PLAIN, Office
from api.reports.process import surroundings
from api.words import Explained, Sentence, unpacked

__all__ = ["CannotMake", "ReportMaker"]

SMALL = 400
"""Facility days of a report that is made in this process: some 20 ms. A village's month has 150."""
AT_ONCE = 2
"""Processes at the same time."""
WAITING = 8
"""Reports that may wait for their turn; one more is refused."""
PREPARED = (
    "api.reports.process",
    "api.reports.glance_process",
    "api.reports.sheets",
    "api.reports.pdf",
    "api.issued.process",
)
"""What the processes need is imported once, before they begin."""


class CannotMake(Explained):
    """A report cannot be made now."""


class ReportMaker:
    """Makes reports for the routes. All of its methods belong to the loop that serves HTTP."""

    def __init__(
        self,
        engine: Engine,
        metrics: CollectorRegistry,
        *,
        office: Office = PLAIN,
        small: int = SMALL,
        deadline: float = DEADLINE,
    ) -> None:
        self._engine = engine
        self._office = office
        self._small = small
        self._deadline = deadline
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self._forks = ForkServer(PREPARED, surroundings())
        self._count = Counter("siaga_reports", "reports by how they ended", ("form", "result"), registry=metrics)
        in_memory = engine.dialect.name == "sqlite" and engine.url.database in (None, "", ":memory:")
        self.elsewhere = not in_memory  # no other process can read a database that is in this one's memory

    async def make(self, question: Question) -> bytes:
        """Returns the report that is asked for.

        Raises:
            CannotMake: too many are being made, or it takes too long, or the process that makes it failed.
        """
        try:
            report = await self._made(question)
        except CannotMake as problem:
            self._count.labels(question.form, type(problem).__name__).inc()
            raise
        self._count.labels(question.form, "made").inc()
        return report

    async def glance(self, question: Question, part: Part) -> Glance:
        """Returns what a page shows of the report that is asked for.

        Raises:
            CannotMake: as `make`.
        """
        try:
            found = await anyio.to_thread.run_sync(self._glance_if_small, question, part)
            if found is None:
                url = self._engine.url.render_as_string(hide_password=False)
                found = read_glance(await self.run("api.reports.glance_process", glance_job(url, question, part)))
        except CannotMake as problem:
            self._count.labels("page", type(problem).__name__).inc()
            raise
        self._count.labels("page", "made").inc()
        return found

    async def _made(self, question: Question) -> bytes:
        small = await anyio.to_thread.run_sync(self._if_small, question)
        if small is not None:
            return small
        job = packed(self._engine.url.render_as_string(hide_password=False), question, self._office)
        return await self.run("api.reports.process", job)

    async def run(self, module: str, job: bytes) -> bytes:
        """Returns what a process says that runs a module and is given a job, when it is its turn.

        Raises:
            CannotMake: too many run, or it takes too long, or it failed.
        """
        if self._waiting >= WAITING:
            raise CannotMake(Sentence("made_too_many", {"count": str(AT_ONCE + WAITING)}))
        try:
            async with asyncio.timeout(self._deadline):
                self._waiting += 1
                try:
                    await self._turns.acquire()
                finally:
                    self._waiting -= 1
                try:
                    return await self._forks.run(module, job)
                finally:
                    self._turns.release()
        except TimeoutError:
            raise CannotMake(Sentence("made_too_late", {"seconds": f"{self._deadline:.0f}"})) from None
        except JobFailed as problem:
            said = str(problem)
            raise CannotMake(unpacked(said) or Sentence("made_failed", {"reason": said[:200]})) from None

    async def close(self) -> None:
        """End what is being made, and the process that is kept for it."""
        await self._forks.close()

    def _if_small(self, question: Question) -> bytes | None:
        """The report, if it can be made right here; `None`: it is large."""
        if self.elsewhere and question.form is Form.PDF:
            return None  # typst takes the processor for half a second, and keeps its memory
        with self._engine.connect() as connection:
            if self.elsewhere and facility_days(connection, question.period, question.scopes) > self._small:
                return None
            return answer(connection, question, self._office)

    def _glance_if_small(self, question: Question, part: Part) -> Glance | None:
        """The glance, if it can be made right here; `None`: the report is large."""
        with self._engine.connect() as connection:
            if self.elsewhere and facility_days(connection, question.period, question.scopes) > self._small:
                return None
            return look(connection, question, part)
