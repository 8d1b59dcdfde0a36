"""The public pages below their frame: made from the database at most every two seconds, however many look at them."""

import hashlib
from dataclasses import dataclass, replace

from markupsafe import Markup
from sqlalchemy import Engine

from api.web.frame import Frame
from api.web.kept import Kept
from api.web.looker import Looker
from api.web.months import Months
from api.web.view import PageView, read_page
from api.words import WORDS, Language, Words
from siaga.model.clock import SECOND, Clock
from siaga.model.scope import Scope

__all__ = ["Page", "Pages"]

FRESH_FOR = 2 * SECOND


@dataclass(frozen=True, slots=True)
class Page:
    """What a page shows below its frame. `version`: of what it shows: the same while only the time of the look differs.

    `updated`: when it was made, in words.
    """

    title: str
    body: Markup
    version: str
    updated: str


class Pages:
    """Makes pages. Safe to use from several threads."""

    def __init__(self, engine: Engine, clock: Clock, frame: Frame, months: Months) -> None:
        self._engine = engine
        self._clock = clock
        self._frame = frame
        self._months = months
        self._kept: Kept[Page | None] = Kept(clock, FRESH_FOR)

    def front(self, language: Language, asked: Language | None, after: str) -> Page | None:
        """All villages, or those after a code where they are many."""
        return self._kept.get(("front", language, asked, after), lambda: self._make(language, asked, after, None))

    def region(self, language: Language, asked: Language | None, code: str, after: str) -> Page | None:
        """The villages of a region after a code; `None`: there is none with this code."""
        key = ("region", language, asked, code, after)
        return self._kept.get(key, lambda: self._make(language, asked, after, Scope(code)))

    def village(self, language: Language, asked: Language | None, code: str) -> Page | None:
        """One village; `None`: there is none with this code."""
        key = ("village", language, asked, code)
        return self._kept.get(key, lambda: self._make(language, asked, "", Scope(code), alone=True))

    def _make(
        self, language: Language, asked: Language | None, after: str, scope: Scope | None, *, alone: bool = False
    ) -> Page | None:
        words = WORDS[language]
        with self._engine.connect() as connection:
            view = read_page(connection, words, self._months, self._clock.now(), after=after, scope=scope)
        if view is None:
            return None
        return self._page(words, asked, view, scope, alone=alone)

    def _page(self, words: Words, asked: Language | None, view: PageView, scope: Scope | None, *, alone: bool) -> Page:
        # The time of the look is no part of the version, so a page on which nothing happened is not sent again
        title = words("title") if scope is None else view.name
        shown = repr((title, words.language, asked, replace(view, updated="")))
        version = hashlib.sha256(shown.encode()).hexdigest()[:16]
        body = self._frame.text(
            "public.html",
            Looker(None, words.language),
            query="" if asked is None else f"?lang={asked.value}",
            page=view,
            title=title,
            place="" if scope is None else scope.text,
            village=alone,
        )
        return Page(title, Markup(body), version, words("updated", time=view.updated))  # noqa: S704 - our own template
