"""The way to people: one channel is one recipient at one provider, by Apprise.

What a provider answers is one of three things, and the difference matters: it took the message; it did not; or nobody
knows, because no answer came in time. What a provider took is not sent again; what it may have taken, not soon.
Nothing here logs an address, and no sentence holds one.
"""

import hashlib
import logging
import re
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from api.notifications.bounded import bounded
from api.notifications.messages import Attachment, Message
from api.notifications.outcome import Answer, Outcome

if TYPE_CHECKING:
    from apprise.result import AppriseResult

__all__ = ["Answer", "AppriseChannel", "BadChannel", "Channel", "OpenChannel", "Outcome", "open_channel", "provider_of"]

CONNECT_WITHIN = 5.0
READ_WITHIN = 15.0
SEND_WITHIN = 25.0
"""Seconds for all of one message: the two above, and a provider that asks more than one question."""
_STATUS = re.compile(r"error[=:]\s*(\d{3})\b")
_NO_CONNECTION = re.compile(
    "NewConnectionError|ConnectTimeout|NameResolutionError|[Cc]onnection refused|Name or service not known"
)
"""What a request that never left says of itself: the provider cannot have taken that message."""


class BadChannel(ValueError):
    """An address that leads to no channel; the message is the end of a sentence and does not show it."""


class Channel(Protocol):
    """One recipient at one provider."""

    def send(self, message: Message) -> Outcome:
        """Give a message to the provider and wait for its answer, at most `SEND_WITHIN` seconds. Never raises."""
        ...


OpenChannel = Callable[[str], Channel]
"""Makes a channel of its address; raises BadChannel."""


class AppriseChannel:
    """A channel by Apprise, of which every kind of address is known (docs/notifications.md has examples)."""

    def __init__(self, url: str) -> None:
        """Take an address.

        Raises:
            BadChannel: Apprise knows no such service, or the address lacks something, or names several recipients.
        """
        from apprise import Apprise, AppriseAsset  # noqa: PLC0415 - takes a second to load
        from apprise.manager_plugins import NotificationManager  # noqa: PLC0415

        _load_services()
        asset = AppriseAsset(
            app_id="siaga", app_desc="siaga", async_mode=False, storage_mode="memory", service_timeout=0,
            http_redirects=False,
        )  # fmt: skip
        service = Apprise.instantiate(url, asset=asset)
        if service is None:
            scheme, separator, _ = url.partition("://")
            if separator and scheme in NotificationManager():  # type: ignore[no-untyped-call] # Apprise leaves it open
                raise BadChannel(f"is not a complete address of {scheme}")
            raise BadChannel("is not an address of a service that Apprise knows")
        if len(service) != 1:
            raise BadChannel(
                f"names {len(service)} recipients: write one channel for each, so that each is told once and only once"
            )
        service.socket_connect_timeout, service.socket_read_timeout = CONNECT_WITHIN, READ_WITHIN
        self._takes_files = bool(service.attachment_support)  # who takes none gets the text alone
        self._apprise = Apprise(asset=asset)
        self._apprise.add(service)

    def send(self, message: Message) -> Outcome:
        """Give a message to the provider, in a thread that is left behind when no answer comes."""
        return bounded(lambda: self._send(message), SEND_WITHIN)

    def _send(self, message: Message) -> Outcome:
        try:
            with _on_disk(message.files if self._takes_files else ()) as paths:
                result = self._apprise.notify(
                    title=message.title,
                    body=message.body,
                    notify_type=message.tone.value,
                    body_format="text",
                    log_level=logging.DEBUG,
                    attach=paths or None,
                )
        except Exception as problem:  # noqa: BLE001 - whatever a provider's plugin does, the next message goes on
            return Outcome(Answer.UNSURE, f"failed ({type(problem).__name__})")
        if _took_it(result):
            return Outcome(Answer.TAKEN, "took it")
        text = " ".join(str(entry.message) for entry in result.logs())
        return _why(text)


@contextmanager
def _on_disk(files: Sequence[Attachment]) -> Iterator[list[str]]:
    """Yields the paths of files while they are on disk: that is how Apprise takes them."""
    if not files:
        yield []
        return
    with tempfile.TemporaryDirectory(prefix="siaga-") as directory:
        paths = []
        for file in files:
            path = Path(directory) / file.name
            path.write_bytes(file.content)
            paths.append(str(path))
        yield paths


def _took_it(result: "AppriseResult") -> bool:
    """Whether Apprise says that the provider took the message: one service was asked, and it succeeded.

    Nothing asked (no service matched), a part of it delivered, or no exception raised is not yet a yes.
    """
    return [result.status.name, *(service.status.name for service in result)] == ["SUCCESS", "SUCCESS"]


@cache
def _load_services() -> None:
    """Load all of Apprise's services, once, and keep what they log to themselves: it may hold addresses."""
    from apprise import Apprise  # noqa: PLC0415

    noted = logging.getLogger("apprise")
    noted.propagate = False
    noted.addHandler(logging.NullHandler())
    noted.setLevel(logging.DEBUG)  # what became of a connection stands there; it goes into a message's result alone
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one imports a module of Python's that goes away in a later Python
        Apprise.instantiate("json://127.0.0.1")


def _why(logged: str) -> Outcome:
    """What a failure means, from what Apprise notes of it: a status, or that no connection came about."""
    status = _STATUS.search(logged)
    if status is not None:
        code = int(status[1])
        busy = code >= 500 or code in (408, 425, 429)
        return Outcome(Answer.UNREACHABLE if busy else Answer.REFUSED, f"answered {code}")
    if _NO_CONNECTION.search(logged):
        return Outcome(Answer.UNREACHABLE, "could not be reached")
    return Outcome(Answer.UNSURE, "did not answer")


def open_channel(url: str) -> Channel:
    """A channel by Apprise."""
    return AppriseChannel(url)


def provider_of(url: str) -> str:
    """What channels that fail together have in common: a digest of the kind of address and the host it leads to."""
    scheme, _, rest = url.partition("://")
    host = re.split(r"[/?]", rest, maxsplit=1)[0]
    return hashlib.sha256(f"{scheme}://{host}".encode()).hexdigest()[:16]
