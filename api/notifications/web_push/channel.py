"""One browser as a channel: a message is sealed for it and given to its push service."""

import secrets
import ssl

import orjson
import urllib3
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import Engine
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    SSLError,
)

from api.notifications.bounded import bounded
from api.notifications.messages import Message, Tone
from api.notifications.outcome import Answer, Outcome
from api.notifications.web_push.endpoint import BadEndpoint, Endpoint, Resolve, parse_endpoint, public_address
from api.notifications.web_push.seal import LONGEST, BadKey, seal
from api.notifications.web_push.vapid import Vapid
from api.queries.alerts import AlertFilter, count_alerts
from api.words import WORDS, Language, Words
from siaga.database.people import PushSubscription, PushSubscriptions
from siaga.model.caller import Role
from siaga.model.clock import Clock, SystemClock

__all__ = ["Deadlines", "PushChannel", "PushDesk", "payload"]

KEPT_FOR = 86_400
"""Seconds for which a push service keeps a message for a phone that is off: what is older is on the pages."""
_MOST_ANSWERED = 1_000
"""Bytes that are read of an answer."""
_STEP = 100
"""Characters by which a text is shortened until it fits."""


class Deadlines:
    """Seconds to connect, to read, and for all of a message."""

    def __init__(self, connect: float = 5.0, read: float = 10.0, whole: float = 20.0) -> None:
        self.connect, self.read, self.whole = connect, read, whole


class PushDesk:
    """Makes channels of subscriptions.

    `contact`: where people reach the pages, for push services. `resolve`, `context`: how hosts are found and trusted.
    """

    def __init__(
        self,
        engine: Engine,
        clock: Clock | None = None,
        contact: str | None = None,
        *,
        resolve: Resolve = public_address,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        self.subscriptions = PushSubscriptions(engine, self._clock)
        self._contact = contact if contact is not None and contact.startswith("https://") else None
        self._engine = engine
        self._resolve, self._context = resolve, context
        self._vapid: Vapid | None = None

    @property
    def vapid(self) -> Vapid:
        """The key of this siaga, made when it is first needed."""
        if self._vapid is None:
            self._vapid = Vapid(self.subscriptions.key(Vapid.new_key()), self._contact)
        return self._vapid

    def channel(self, subscription: int, deadlines: Deadlines | None = None) -> "PushChannel":
        """Returns the channel to a browser."""
        return PushChannel(self, subscription, deadlines or Deadlines())

    def post(self, to: PushSubscription, message: Message, deadlines: Deadlines) -> Outcome:
        """Seal a message and give it to the push service. What is said of it holds no address."""
        try:
            endpoint = parse_endpoint(to.endpoint)
            address, port = self._resolve(endpoint.host)
            body = seal(
                payload(message, to.language, self._count(to), may_act=to.role is not Role.VIEWER),
                to.p256dh,
                to.auth,
                ec.generate_private_key(ec.SECP256R1()),
                secrets.token_bytes(16),
            )
        except (BadEndpoint, BadKey, ValueError) as problem:  # or too long
            return Outcome(Answer.NEVER, f"was not asked: its address or key {problem}")
        except OSError:
            return Outcome(Answer.UNREACHABLE, "could not be reached: its name has no address")
        headers = {
            "Host": endpoint.host,
            "Authorization": self.vapid.header(endpoint.origin, self._clock.now()),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(KEPT_FOR),
            "Urgency": "high" if message.tone in (Tone.FAILURE, Tone.WARNING) else "normal",
        }
        if message.topic is not None:
            headers["Topic"] = message.topic[:32]
        return self._asked(endpoint, address, port, headers, body, deadlines)

    def _count(self, to: PushSubscription) -> int:
        """Returns how many open alerts the subscriber sees, for the badge."""
        with self._engine.connect() as connection:
            return count_alerts(connection, AlertFilter(to.scopes, is_open=True))

    def _asked(
        self, endpoint: Endpoint, address: str, port: int, headers: dict[str, str], body: bytes, deadlines: Deadlines
    ) -> Outcome:
        timeout = urllib3.Timeout(connect=deadlines.connect, read=deadlines.read)
        pool = urllib3.HTTPSConnectionPool(
            address,
            port,
            timeout=timeout,
            retries=False,
            ssl_context=self._context or ssl.create_default_context(),
            server_hostname=endpoint.host,
            assert_hostname=endpoint.host,
        )
        try:
            answer = pool.request(
                "POST", endpoint.path, body=body, headers=headers, redirect=False, preload_content=False
            )
            answer.read(_MOST_ANSWERED)
            answer.close()
        except (ConnectTimeoutError, NewConnectionError, NameResolutionError, SSLError):
            return Outcome(Answer.UNREACHABLE, "could not be reached")
        except (HTTPError, OSError):
            return Outcome(Answer.UNSURE, "did not answer")
        finally:
            pool.close()
        return _meaning(answer.status)


class PushChannel:
    """A browser. One that has unsubscribed, as its push service says, is forgotten."""

    def __init__(self, desk: PushDesk, subscription: int, deadlines: Deadlines) -> None:
        self._desk, self._subscription, self._deadlines = desk, subscription, deadlines

    def send(self, message: Message) -> Outcome:
        """Give a message to the push service, at most `whole` seconds."""
        to = self._desk.subscriptions.one(self._subscription)
        if to is None:
            return Outcome(Answer.GONE, "takes no messages any more")
        outcome = bounded(lambda: self._desk.post(to, message, self._deadlines), self._deadlines.whole)
        if outcome.answer is Answer.GONE:
            self._desk.subscriptions.drop(to.id)
        return outcome


def payload(message: Message, language: str, open_alerts: int, *, may_act: bool = False) -> bytes:
    """Returns a message as the service worker reads it, cut to what a push service takes.

    `may_act`: who gets it may take an alert, so a message of one that is open has a button for that.
    """
    is_open = message.topic is not None and message.tone in (Tone.FAILURE, Tone.WARNING)
    take = _take(WORDS[Language(language)]) if may_act and is_open else None
    for length in range(len(message.body), -_STEP, -_STEP):
        cut = max(0, length)
        text = orjson.dumps(
            {
                "title": message.title,
                "body": message.body if cut == len(message.body) else f"{message.body[:cut]}…",
                "path": message.path or "/alerts",
                "tag": message.topic,
                "badge": open_alerts,
                "lang": language,
                "take": take,
            }
        )
        if len(text) <= LONGEST:
            return text
    raise ValueError(f"a title of {len(message.title)} characters does not fit into a push message")


def _take(words: Words) -> dict[str, str]:
    """Returns what the button says, and what is said when it was pressed."""
    return {
        "title": words("alerts_take"),
        "mine": words("alerts_taken_by_me"),
        "other": words("alerts_taken_by", name="{name}"),
        "failed": words("push_not_taken"),
    }


def _meaning(status: int) -> Outcome:
    if status in (200, 201, 202, 204):
        return Outcome(Answer.TAKEN, "took it")
    if status in (404, 410):
        return Outcome(Answer.GONE, f"answered {status}: the browser has unsubscribed")
    if status >= 500 or status in (408, 425, 429):
        return Outcome(Answer.UNREACHABLE, f"answered {status}")
    # Our key or our message is not taken, and neither will be another one (RFC 8030, RFC 8292)
    return Outcome(Answer.NEVER if status in (401, 403, 413) else Answer.REFUSED, f"answered {status}")
