"""Notifications as a service: one thread plans, some send, so that a provider that hangs holds up no other.

The planning thread alone looks for what is due, and wakes the senders. What they do they find in the database, so a
wake that is lost, or that another process would have had to give, costs a moment and no message.
"""

import threading
from collections.abc import Callable

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from api.alert_records.stream import EventSignal
from api.notifications.book import Book
from api.notifications.channels import OpenChannel, open_channel
from api.notifications.metrics import NotificationMetrics
from api.notifications.planner import Planner
from api.notifications.queue import Queue
from api.notifications.reminders import Reminders
from api.notifications.sender import MessageAbout, Sender, plain_message
from api.notifications.web_push import PushDesk, Subscribers
from siaga.model.clock import HOUR, SECOND, Clock, SystemClock

__all__ = ["NotificationService"]

log = structlog.get_logger(__name__)

SENDERS = 4
"""Threads that send. A provider that hangs holds one of them for half a minute, then is left alone for up to one."""
LOOK = 1.0
"""Seconds between two looks for what is due, by the planning thread: three small queries."""
SENDERS_LOOK = 15.0
"""Seconds after which a sender looks by itself, should the planning thread be held up."""
COUNT = 10 * SECOND
AGAIN = 2.0
"""Seconds until a database that is away is asked again."""
END_WITHIN = 8.0


class NotificationService:
    """Runs until stopped. Never a reason for a process not to be ready: a provider's outage is not its own."""

    def __init__(
        self,
        database: Engine,
        book: Book,
        push: PushDesk,
        clock: Clock | None = None,
        signal: EventSignal | None = None,
        metrics: NotificationMetrics | None = None,
        open_: OpenChannel = open_channel,
        about: MessageAbout = plain_message,
    ) -> None:
        self._database, self._book, self._open, self._about = database, book, open_, about
        self._push = push
        self._clock = clock or SystemClock()
        self._signal = signal or EventSignal()
        self._metrics = metrics or NotificationMetrics()
        self._stop = threading.Event()
        self._to_plan, self._to_send = threading.Condition(), threading.Condition()
        self._threads = [threading.Thread(target=self._plan, name="notifications", daemon=True)] + [
            threading.Thread(target=self._send, name=f"notification sender {number}", daemon=True)
            for number in range(1, SENDERS + 1)
        ]
        self._unsubscribe: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Begin. Returns at once."""
        self._unsubscribe = self._signal.subscribe(lambda: _wake(self._to_plan))
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Finish the messages in hand, as far as providers answer in time; within ten seconds."""
        self._unsubscribe()
        self._stop.set()
        _wake(self._to_plan)
        _wake(self._to_send)
        waits = END_WITHIN
        for thread in self._threads:
            if thread.is_alive():
                before = self._clock.monotonic()
                thread.join(waits)
                waits = max(0.0, waits - (self._clock.monotonic() - before) / 1000)

    def _pause(self, woken: threading.Condition, seconds: float) -> None:
        with woken:
            if not self._stop.is_set():
                woken.wait(seconds)

    def _plan(self) -> None:
        subscribers = Subscribers(self._push.subscriptions)
        planner = Planner(self._database, self._book, subscribers)
        queue = Queue(self._database, self._book)
        reminders = Reminders(self._database, self._book, subscribers)
        counted = swept = self._clock.monotonic()

        def work() -> bool:
            nonlocal counted, swept
            planned = planner.plan_one(self._clock.now())
            now = self._clock.monotonic()
            if now >= counted:
                counted = now + COUNT
                self._count(queue)
            if now >= swept:
                swept = now + HOUR
                planner.forget(self._clock.now())
                planned = reminders.remind(self._clock.now()) > 0 or planned
            if planned or queue.is_due(self._clock.now()):
                _wake(self._to_send)
            return planned

        self._repeat(work, self._to_plan, LOOK)

    def _send(self) -> None:
        sender = Sender(self._database, self._book, self._metrics, self._push, self._open, about=self._about)
        self._repeat(lambda: sender.send_one(self._clock.now), self._to_send, SENDERS_LOOK)

    def _repeat(self, work: Callable[[], bool], woken: threading.Condition, look: float) -> None:
        """Do the work while there is some. Look for it again when woken, and after `look` seconds."""
        while not self._stop.is_set():
            try:
                if not work():
                    self._pause(woken, look)
            except DBAPIError as problem:
                self._metrics.database_failures.inc()
                log.warning("notifications_wait_for_the_database", problem=type(problem).__name__)
                self._stop.wait(AGAIN)
            except Exception:  # one bad message or row must not end the telling of all others
                self._metrics.database_failures.inc()
                log.exception("notifications_failed")
                self._stop.wait(AGAIN)

    def _count(self, queue: Queue) -> None:
        now = self._clock.now()
        backlog = queue.backlog(now)
        self._metrics.waiting.set(backlog.waiting)
        self._metrics.age.set(0 if backlog.oldest is None else max(0, now - backlog.oldest) / 1000)
        self._metrics.given_up.set(backlog.dead)


def _wake(waiting: threading.Condition) -> None:
    with waiting:
        waiting.notify_all()
