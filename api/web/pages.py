"""The public pages below their frame: made from the database at most every two seconds, however many look at them."""

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass

from markupsafe import Markup
from sqlalchemy import Engine

from api.web.frame import Frame
from api.web.looker import Looker
from api.web.view import PageView, read_page
from api.words import WORDS, Language, Words
from siaga.model.clock import SECOND, Clock

__all__ = ["Page", "Pages", "PagesBusy"]

FRESH_FOR = 2 * SECOND
PATIENCE = 3.0
"""Seconds that a request waits for its page while others are made: the threads are few, and the API needs them too."""
_MOST_KEPT = 200
"""Pages kept: some for each village that somebody looks at."""


class PagesBusy(Exception):
    """The page cannot be made in time; the same request may succeed later."""


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

    def __init__(self, engine: Engine, clock: Clock, frame: Frame) -> None:
        self._engine = engine
        self._clock = clock
        self._frame = frame
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, ...], tuple[int, Page | None]] = {}

    def front(self, language: Language, asked: Language | None, after: str) -> Page:
        """All villages, or those after a code where they are many."""
        page = self._fresh(("front", language, asked or "", after), lambda: self._front(language, asked, after))
        assert page is not None  # noqa: S101 - the front page is always there
        return page

    def village(self, language: Language, asked: Language | None, code: str) -> Page | None:
        """One village; `None`: there is none with this code."""
        return self._fresh(("village", language, asked or "", code), lambda: self._village(language, asked, code))

    def _fresh(self, key: tuple[str, ...], make: Callable[[], Page | None]) -> Page | None:
        """The page of this key, made again when it is too old. One is made at a time: whoever comes meanwhile gets
        the one before, or waits a little.
        """
        kept = self._kept.get(key)
        if kept is not None and self._clock.monotonic() - kept[0] < FRESH_FOR:
            return kept[1]
        if not self._lock.acquire(timeout=PATIENCE if kept is None else 0):
            if kept is None:
                raise PagesBusy("the page before is not made yet")
            return kept[1]
        try:
            now = self._clock.monotonic()
            made, page = self._kept.get(key, (now - FRESH_FOR, None))
            if now - made >= FRESH_FOR:
                page = make()
                if len(self._kept) >= _MOST_KEPT:
                    self._kept.clear()
                self._kept[key] = (now, page)
            return page
        finally:
            self._lock.release()

    def _front(self, language: Language, asked: Language | None, after: str) -> Page:
        view = self._read(WORDS[language], after=after)
        assert view is not None  # noqa: S101 - only a village can be missing
        return self._page(WORDS[language], asked, view, WORDS[language]("title"), alone=False)

    def _village(self, language: Language, asked: Language | None, code: str) -> Page | None:
        view = self._read(WORDS[language], village=code)
        return None if view is None else self._page(WORDS[language], asked, view, view.villages[0].name, alone=True)

    def _read(self, words: Words, *, after: str = "", village: str | None = None) -> PageView | None:
        with self._engine.connect() as connection:
            return read_page(connection, words, self._clock.now(), after=after, village=village)

    def _page(self, words: Words, asked: Language | None, view: PageView, title: str, *, alone: bool) -> Page:
        # The time of the look is no part of the version, so a page on which nothing happened is not sent again
        shown = repr(
            (
                title,
                words.language,
                asked,
                view.villages,
                view.alerts,
                view.more_alerts,
                view.counts,
                view.next,
                view.sentence,
            )
        )
        version = hashlib.sha256(shown.encode()).hexdigest()[:16]
        body = self._frame.text(
            "public.html",
            Looker(None, words.language),
            query="" if asked is None else f"?lang={asked.value}",
            page=view,
            title=title,
            village=alone,
        )
        return Page(title, Markup(body), version, words("updated", time=view.updated))  # noqa: S704 - our own template
