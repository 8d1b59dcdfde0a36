"""kill -9 at every step of a scheduled run: one report, one message a recipient."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from api.issued.orders import LEASE
from siaga.database import connect, tables
from siaga.model.clock import DAY, HOUR, MINUTE
from tests.crash import worker
from tests.issued.desk import MARCH, Desk
from tests.notifications.webhook import Webhook

PROGRAM = "tests.schedules.crash_process"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = connect(f"sqlite:///{tmp_path / 'siaga.db'}")
    yield engine
    engine.dispose()


def test_whenever_it_dies_there_is_one_report_and_one_message_a_recipient(engine: Engine) -> None:
    Desk(engine)
    url = engine.url.render_as_string(hide_password=False)
    day, point, again = MARCH, 0, 0
    with Webhook() as hook, worker(PROGRAM, url, hook) as siaga:
        assert not siaga.work(day + 7 * HOUR)  # the schedules are seen for the first time
        while True:
            point, day = point + 1, day + DAY
            due, before = day + 6 * HOUR, len(hook.taken())
            died = siaga.work(due, die_at=point)
            assert not siaga.work(due + LEASE + MINUTE)
            assert reports(engine) == [1] * point, f"after dying at step {point}"
            counts = Counter(post.to for post in hook.taken()[before:])
            assert rows(engine) == {"a/web": 2 * point, "b/web": point}, f"after dying at step {point}"
            assert set(counts) == {"a", "b"}, f"somebody was not told after dying at step {point}"
            assert counts.total() in (3, 4), f"step {point}: {counts}"
            again += counts.total() == 4
            if not died:
                break
    assert point > 12, "fewer steps than it takes to claim, issue, tell and send: what was counted?"
    assert again == 6, "between the provider's answer and the commit of its mark are two steps of each message"


def reports(engine: Engine) -> list[int]:
    """The revisions of all reports: none is issued twice."""
    with engine.connect() as connection:
        return list(connection.execute(select(tables.report.c.revision)).scalars())


def rows(engine: Engine) -> Counter[str]:
    """How many messages each recipient has, in whatever state."""
    with engine.connect() as connection:
        return Counter(connection.execute(select(tables.notification.c.recipient)).scalars())
