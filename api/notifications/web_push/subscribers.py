"""The notify file with the browsers that take push messages: each is a channel of its person.

They are named `push-1`, `push-2` and so on by their subscriptions. A rule whose `by` says `push` means them all.
Who subscribed and is named in no rule is told of critical and major alerts of their own villages.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from api.notifications.book import PUSH, Book, Person, Rule
from api.notifications.web_push.endpoint import BadEndpoint, parse_endpoint
from siaga.database.people import PushSubscription, PushSubscriptions
from siaga.model.scope import Scope

__all__ = ["PUSH", "Subscribers", "subscription_of", "with_push"]

SCHEME = "siaga-push"
_URL = re.compile(rf"{SCHEME}://[^/]+/(\d+)", re.ASCII)
_SEVERITIES = frozenset({"critical", "major"})
_VILLAGE = 13
"""The length of a village's code."""


class Subscribers:
    """Looks who takes push messages now."""

    def __init__(self, subscriptions: PushSubscriptions) -> None:
        self._subscriptions = subscriptions

    def book(self, book: Book) -> Book:
        """Returns a notify file with the channels and rules of those who take push messages now."""
        return with_push(book, self._subscriptions.listed())


def with_push(book: Book, subscriptions: Sequence[PushSubscription]) -> Book:
    """Returns a notify file with the channels and rules of subscriptions."""
    people, spoken = dict(book.people), dict(book.spoken)
    for one in subscriptions:
        known = people.get(one.person, Person(one.person, one.language, {}))
        channel = f"{PUSH}-{one.id}"
        people[one.person] = replace(known, channels={**known.channels, channel: _url(one)})
        spoken[f"{one.person}/{channel}"] = one.language
    named = {
        name
        for rule in book.rules
        for tell in (rule.tell, *(step.tell for step in rule.escalate))
        for told in tell
        for name in book.groups.get(told, (told,))
    }
    others = {one.person: one for one in subscriptions if one.person not in named}
    rules = tuple(
        Rule(
            f"{PUSH}-{name}",
            (name,),
            tuple(pattern for scope in one.scopes for pattern in _patterns(scope)),
            severities=_SEVERITIES,
            by=frozenset({PUSH}),
        )
        for name, one in others.items()
    )
    return Book(people, book.groups, book.rules + rules, book.link, book.gather, book.repeat_after, spoken)


def subscription_of(url: str) -> int | None:
    """Returns the subscription that a channel's address leads to; `None`: it is another provider's."""
    found = _URL.fullmatch(url)
    return int(found[1]) if found is not None else None


def _url(one: PushSubscription) -> str:
    """The push service is part of it, so that messages of one that is down wait together."""
    try:
        host = parse_endpoint(one.endpoint).host
    except BadEndpoint:
        host = "-"
    return f"{SCHEME}://{host}/{one.id}"


def _patterns(scope: Scope) -> tuple[str, ...]:
    """A scope as rules name villages; none for everything."""
    if scope.text == "*":
        return ()
    return (scope.text if len(scope.text) == _VILLAGE else f"{scope.text}.*",)
