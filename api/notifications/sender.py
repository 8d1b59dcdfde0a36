"""Bringing one message to its provider: claim, compose, send, write down.

At least once: what is claimed and not settled is claimed again when its lease is over. Not twice within the time of
the book's `repeat_after` when the provider took it: the lease is as long, and an answer that the database could not
take is kept until it can.
"""

import random
from collections.abc import Callable

import structlog
from sqlalchemy import Engine

from api.notifications.backoff import Patience
from api.notifications.book import Book
from api.notifications.channels import Answer, BadChannel, OpenChannel, Outcome, open_channel
from api.notifications.messages import Line, Message, Tone, compose
from api.notifications.metrics import NotificationMetrics
from api.notifications.queue import Claim, Queue, Settled
from api.notifications.villages import Villages
from api.notifications.web_push import PUSH, PushDesk, Subscribers, subscription_of
from siaga.database.registry import Registry

__all__ = ["MessageAbout", "Sender", "plain_message"]

log = structlog.get_logger(__name__)


MessageAbout = Callable[[Claim, str, str | None], Message | None]
"""Returns the message of a claim about no alert, in a language, with the address of the pages; `None`: nothing is left
to tell. Raises ValueError or KeyError where there is none."""


def plain_message(claim: Claim, _language: str, _link: str | None) -> Message:
    """Returns the message of a subject that is the text itself."""
    subject = claim.subject or {}
    return Message(str(subject["title"]), str(subject["body"]), Tone(str(subject.get("tone", Tone.INFO))))


class Sender:
    """Sends messages one after the other. For one thread; any number of senders share a queue.

    `chance` gives numbers from 0 to 1. `about` writes what is about no alert. `push` sends to browsers. `now` in
    `send_one` is asked again after the provider's answer.
    """

    def __init__(
        self,
        engine: Engine,
        book: Book,
        metrics: NotificationMetrics,
        push: PushDesk,
        open_: OpenChannel = open_channel,
        patience: Patience | None = None,
        chance: Callable[[], float] = random.random,
        about: MessageAbout = plain_message,
    ) -> None:
        self._push = push
        self._subscribers = Subscribers(push.subscriptions)
        self._file, self._book, self._metrics, self._open, self._chance, self._about = (
            book,
            book,
            metrics,
            open_,
            chance,
            about,
        )
        self._queue = Queue(engine, book, patience)
        self._villages = Villages(Registry(engine))
        self._unsettled: tuple[Claim, Outcome] | None = None

    def send_one(self, now: Callable[[], int]) -> bool:
        """Send the message that has been due longest; whether there was one.

        Raises:
            DBAPIError: the database is away. What a provider has answered by then is written down by the next call.
        """
        if self._unsettled is not None:
            self._settle(*self._unsettled, now())
            return True
        claim = self._queue.claim(now())
        if claim is None:
            return False
        if claim.void:
            self._metrics.void.inc()
            return True
        self._book = self._subscribers.book(self._file.current())
        url = self._book.url(claim.recipient)
        outcome = None if url is None else self._send(claim, url, now())
        if outcome is not None:
            self._unsettled = claim, outcome
            self._settle(claim, outcome, now())
        elif url is not None:
            self._settled(claim, self._queue.drop(claim, now()), "has what there is to tell")
        elif f"/{PUSH}-" in claim.recipient:
            self._settled(claim, self._queue.drop(claim, now()), "takes no messages any more")
        else:
            self._settled(claim, self._queue.give_up(claim, "the notify file has it no longer", now()), "is gone")
        return True

    def _send(self, claim: Claim, url: str, now: int) -> Outcome | None:
        """Returns what the provider answered; `None`: nothing is left to tell."""
        try:
            message = self._message(claim, now)
        except (KeyError, ValueError):  # an alert that this version has no words for: seen, and no end to the others
            log.exception("notification_not_composed", to=claim.recipient)
            return Outcome(Answer.NEVER, "was not asked: the message could not be written, the log says why")
        if message is None:
            return None
        try:
            subscription = subscription_of(url)
            if subscription is None:
                return self._open(url).send(message)
            return self._push.channel(subscription).send(message)
        except BadChannel as problem:
            return Outcome(Answer.NEVER, f"was not asked: the address {problem}")

    def _message(self, claim: Claim, now: int) -> Message | None:
        """Returns what to send; `None`: nothing is left to tell."""
        language, link = self._book.language(claim.recipient), self._book.link
        if f"/{PUSH}-" in claim.recipient:
            link = None  # the notification itself leads there
        if claim.subject is not None:
            return self._about(claim, language, link)
        self._villages.refresh()
        lines = [Line(alert, what, claim.planned.get(alert.id)) for alert, what in claim.told]
        return compose(lines, language, now, self._villages.get, link)

    def _settle(self, claim: Claim, outcome: Outcome, now: int) -> None:
        settled = self._queue.settle(claim, outcome, now, self._chance())
        self._unsettled = None
        self._settled(claim, settled, outcome.sentence)

    def _settled(self, claim: Claim, settled: Settled, sentence: str) -> None:
        said = {"to": claim.recipient, "alerts": len(claim.told), "attempt": claim.attempts, "provider": sentence}
        match settled.state:
            case "sent":
                self._metrics.sent.inc()
                log.info("notification_sent", **said)
            case "void":
                self._metrics.void.inc()
                log.info("notification_void", **said)
            case "dead":
                self._metrics.dead.inc()
                log.error("notification_given_up", **said)
            case _:
                self._metrics.failed.inc()
                log.warning("notification_not_taken", **said)
