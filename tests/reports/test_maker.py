"""Where reports are made: small ones here, large ones in a process, and what is said when that fails."""

import asyncio
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import TypeVar

import orjson
import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine

from api.reports import maker as module
from api.reports.answer import answer, packed, unpacked
from api.reports.forms import Form, Question
from api.reports.maker import CannotMake, ReportMaker
from api.reports.period import Period, parse_dates, parse_period
from api.words import Language
from siaga.database import connect
from siaga.database.registry import Registry
from siaga.model.scope import Scopes
from siaga.model.sites import Facility, Village
from tests.in_thread import run
from tests.schema import with_tables

T = TypeVar("T")

NOW = 1_772_600_400_000
QUESTION = Question(parse_period("2026-02"), Scopes.of("*"), Language.ID, Form.JSON, NOW)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = connect(f"sqlite:///{tmp_path / 'siaga.db'}")
    with_tables(engine)
    gate = Facility("gerbang", "gate", "Gerbang")
    Registry(engine).replace([Village("35.10.15.2012", "Kampunganyar", -8.2, 114.3, "Asia/Jakarta", (gate,))], NOW)
    yield engine
    engine.dispose()


def maker(engine: Engine, *, small: int = 0, deadline: float = 60) -> tuple[ReportMaker, CollectorRegistry]:
    metrics = CollectorRegistry()
    return ReportMaker(engine, metrics, small=small, deadline=deadline), metrics


async def closing(one: ReportMaker, work: Coroutine[object, object, T]) -> T:
    """Returns what comes of some work, after which the maker is closed."""
    try:
        return await work
    finally:
        await one.close()


def asked(one: ReportMaker) -> bytes:
    """Returns a report, after which the maker is closed."""
    return run(closing(one, one.make(QUESTION)))


def counted(metrics: CollectorRegistry, result: str) -> float | None:
    return metrics.get_sample_value("siaga_reports_total", {"form": "json", "result": result})


def test_a_process_gives_the_bytes_that_this_one_gives(engine: Engine) -> None:
    there, metrics = maker(engine)
    here, _ = maker(engine, small=1_000)
    with engine.connect() as connection:
        wanted = answer(connection, QUESTION)
    assert asked(there) == asked(here) == wanted
    assert orjson.loads(wanted)["from"] == "2026-02-01"
    assert counted(metrics, "made") == 1


@pytest.mark.parametrize("period", [parse_period("2026-Q1"), parse_dates("2026-02-03", "2026-02-05")])
def test_a_question_reaches_the_process_as_it_was_asked(period: Period) -> None:
    asked = Question(period, Scopes.of(["35.10"]), Language.EN, Form.XLSX, NOW)
    assert unpacked(packed("sqlite:///x", asked)).question == asked


def test_what_takes_too_long_is_given_up_and_its_process_ended(engine: Engine) -> None:
    """The turn is free again: the next one is made."""
    slow, metrics = maker(engine, deadline=0.001)
    with pytest.raises(CannotMake, match=r"was not ready after 0 seconds: ask for a shorter period"):
        asked(slow)
    assert counted(metrics, "CannotMake") == 1


def test_a_process_that_fails_says_why(tmp_path: Path) -> None:
    """The database has no tables in it; what a statement held is not told."""
    bare = connect(f"sqlite:///{tmp_path / 'bare.db'}")
    broken, _ = maker(bare)
    with pytest.raises(CannotMake, match="the database did not answer: OperationalError"):
        run(closing(broken, broken.run("api.reports.process", packed(str(bare.url), QUESTION))))
    bare.dispose()


def test_large_reports_wait_for_their_turn_and_one_too_many_is_refused(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One at work and one waiting: of three at once the third is told to come again, and no turn is lost."""
    monkeypatch.setattr(module, "AT_ONCE", 1)
    monkeypatch.setattr(module, "WAITING", 1)
    busy, metrics = maker(engine)

    async def ask() -> list[bytes | BaseException]:
        return await asyncio.gather(*(busy.make(QUESTION) for _ in range(3)), return_exceptions=True)

    answers = run(closing(busy, ask()))
    (refused,) = [found for found in answers if not isinstance(found, bytes)]
    assert isinstance(refused, CannotMake)
    assert str(refused) == "2 reports are being made already: try again in a minute"
    assert (counted(metrics, "made"), counted(metrics, "CannotMake")) == (2, 1)
