"""Who looks at a page: a person or nobody, in which language, in light or dark."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated

from fastapi import Depends, Request

from api.words import WORDS, AddedWords, Language, Words, chosen_language, preferred
from siaga.model.caller import Caller, Role

__all__ = [
    "LANGUAGE_COOKIE",
    "THEME_COOKIE",
    "CallerOf",
    "Looker",
    "LookerHere",
    "Theme",
    "as_citizen",
    "looker_of",
    "nobody",
    "stranger",
]

LANGUAGE_COOKIE = "siaga_language"
THEME_COOKIE = "siaga_theme"


class Theme(StrEnum):
    """The colours of the pages; `auto` is what the device asks for."""

    AUTO = "auto"
    LIGHT = "light"
    DARK = "dark"


@dataclass(frozen=True, slots=True)
class Looker:
    """Who looks.

    `caller`: the person; `None`: nobody has signed in. `added`: the words of a language that the district added for
    citizens, on their pages alone.
    """

    caller: Caller | None
    language: Language
    theme: Theme = Theme.AUTO
    added: AddedWords | None = None

    @property
    def words(self) -> Words:
        """The words of the looker's language."""
        return self.added or WORDS[self.language]

    def may(self, role: Role) -> bool:
        """Whether somebody has signed in who may do what needs `role`."""
        return self.caller is not None and self.caller.may(role)


CallerOf = Callable[[Request], Caller | None]
"""Returns who sends a request, by the cookie of their session; `None`: nobody. Called in a thread."""


def nobody(_: Request) -> Caller | None:
    """Nobody has signed in: what an app without sessions says."""
    return None


def looker_of(request: Request) -> Looker:
    """Returns who looks. A language in the address (`?lang=`) wins over the chosen one, for this page alone."""
    caller_of: CallerOf = request.app.state.caller_of
    return Looker(caller_of(request), _language(request), _theme(request))


def as_citizen(request: Request, looker: Looker, added: Mapping[str, AddedWords]) -> Looker:
    """Returns the looker of a citizen's page, who may read a language that the district added."""
    tag = preferred({*Language, *added}, *_asked(request))
    return replace(looker, added=added.get(tag or ""))


def stranger(request: Request) -> Looker:
    """Returns the looker as if nobody had signed in, without asking who has."""
    return Looker(None, _language(request), _theme(request))


def _language(request: Request) -> Language:
    return chosen_language(*_asked(request))


def _asked(request: Request) -> tuple[str | None, str | None, str | None]:
    """What the browser accepts, then what was chosen."""
    return (
        request.headers.get("accept-language"),
        request.query_params.get("lang"),
        request.cookies.get(LANGUAGE_COOKIE),
    )


def _theme(request: Request) -> Theme:
    chosen = request.cookies.get(THEME_COOKIE)
    return Theme(chosen) if chosen in tuple(Theme) else Theme.AUTO


LookerHere = Annotated[Looker, Depends(looker_of)]
"""A route's parameter: who looks, signed in or not."""
