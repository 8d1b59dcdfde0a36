"""The service as it runs: threads, real time, and providers and databases that go away."""

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from api.alert_records.stream import EventSignal
from api.notifications.metrics import NotificationMetrics
from api.notifications.service import NotificationService
from api.notifications.web_push import PushDesk
from siaga.database import connect
from siaga.model.clock import MINUTE, SystemClock
from tests.notifications.desk import Desk, by_another_provider
from tests.notifications.webhook import Webhook
from tests.schema import with_tables
from tests.servers import Postgres
from tests.wait import until


class Running:
    """A service over the desk's database, by the clock on the wall; alerts of a village are not gathered."""

    def __init__(self, desk: Desk) -> None:
        self.registry = CollectorRegistry()
        self.signal = EventSignal()
        book = by_another_provider(replace(desk.book, gather=0), "joko")
        metrics = NotificationMetrics(self.registry)
        self.service = NotificationService(
            desk.engine, book, PushDesk(desk.engine), SystemClock(), self.signal, metrics
        )

    def metric(self, name: str) -> float:
        return self.registry.get_sample_value(f"siaga_notifications_{name}") or 0.0


@pytest.fixture
def running(desk: Desk) -> Iterator[Running]:
    desk.clock.advance(SystemClock().now() - desk.clock.now())
    running = Running(desk)
    running.service.start()
    yield running
    running.service.stop()


def test_an_alert_is_told_as_soon_as_it_is_raised(desk: Desk, running: Running, hook: Webhook) -> None:
    desk.failed()
    running.signal.ring()
    until(lambda: hook.taken("ratih") and hook.taken("joko"))
    until(lambda: running.metric("sent_total") == 2)


def test_a_provider_that_hangs_holds_up_nobody_else(desk: Desk, running: Running, hook: Webhook) -> None:
    release = threading.Event()
    hook.answers["ratih"] = lambda: 200 if release.wait(60) else 500
    try:
        for number in range(6):
            desk.failed(code=f"35.10.21.{number:04}")
            running.signal.ring()
            so_far = number + 1
            until(lambda: len(hook.taken("joko")) == so_far, what="joko is told all the same")  # noqa: B023 - at once
        assert hook.taken("ratih") == []
    finally:
        release.set()
    until(lambda: len(hook.taken("ratih")) == 6)


def test_a_service_that_is_stopped_and_started_again_goes_on(desk: Desk, running: Running, hook: Webhook) -> None:
    running.service.stop()
    desk.failed()
    another = Running(desk)
    another.service.start()
    try:
        until(lambda: hook.taken("ratih") and hook.taken("joko"))
    finally:
        another.service.stop()


def test_what_another_process_has_planned_is_sent_although_nobody_wakes_the_senders(
    desk: Desk, hook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.notifications.service.SENDERS_LOOK", 10_000.0)
    desk.clock.advance(SystemClock().now() - MINUTE - desk.clock.now())
    running = Running(desk)
    running.service.start()
    try:
        desk.failed()
        desk.clock.advance(MINUTE)
        assert desk.planner.plan_one(desk.clock.now()) or hook.taken("ratih")
        until(lambda: hook.taken("ratih") and hook.taken("joko"))
    finally:
        running.service.stop()


def test_an_answer_that_the_database_could_not_take_is_kept_and_nothing_is_sent_twice(
    postgres: Postgres, hook: Webhook
) -> None:
    engine = connect(postgres.database_url())
    with_tables(engine)
    desk = Desk(engine, hook)
    try:
        desk.failed()
        desk.clock.advance(MINUTE)
        assert desk.planner.plan_one(desk.clock.now())

        def take_and_lose_the_database() -> int:
            postgres.stop()
            return 200

        hook.answers["ratih"] = take_and_lose_the_database
        with pytest.raises(DBAPIError):
            desk.sender.send_one(desk.clock.now)
        postgres.start()
        desk.clock.advance(10 * MINUTE)
        desk.work()
        assert len(hook.taken("ratih")) == len(hook.taken("joko")) == 1
        assert {row["state"] for row in desk.rows()} == {"sent"}
    finally:
        engine.dispose()


def test_the_figures_for_the_operator(desk: Desk, engine: Engine, hook: Webhook) -> None:
    from api.notifications.queue import Queue

    hook.answers["ratih"] = 500
    desk.failed()
    desk.after(3 * MINUTE)
    backlog = Queue(engine, desk.book).backlog(desk.clock.now())
    assert (backlog.waiting, backlog.dead) == (1, 0)
    assert backlog.oldest is not None
    assert desk.clock.now() - backlog.oldest == 2 * MINUTE
    del hook.answers["ratih"]
    desk.after(3 * MINUTE)
    assert Queue(engine, desk.book).backlog(desk.clock.now()).waiting == 0
