"""A district with a day behind it, and a browser."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from api.reports.maker import ReportMaker
from siaga.database import connect, tables, writing
from tests.http.district import District
from tests.stores import empty_store
from tests.web.kampung import chromium


@pytest.fixture(autouse=True)
def reports_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what a page shows of a report. The tests of the maker have processes, which take a second to begin."""
    monkeypatch.setattr("api.app.ReportMaker", partial(ReportMaker, small=1_000_000))


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[District]:
    """A district without villages."""
    engine, store = connect(f"sqlite:///{tmp_path / 'siaga.db'}"), empty_store()
    district = District(engine, store)
    with writing(engine) as connection:
        connection.execute(tables.village.delete())
    yield district
    store.close()
    engine.dispose()


@pytest.fixture
def district(tmp_path: Path) -> Iterator[District]:
    """A district of two villages."""
    engine, store = connect(f"sqlite:///{tmp_path / 'siaga.db'}"), empty_store()
    yield District(engine, store)
    store.close()
    engine.dispose()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests; each takes a context of its own."""
    with chromium() as browser:
        yield browser
