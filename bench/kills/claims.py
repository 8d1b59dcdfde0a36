"""Who says that it leads: every member is asked several times a second, from outside."""

import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import urllib3

__all__ = ["Answer", "Claims", "overlaps"]

EVERY, WITHIN = 0.2, 1.0
"""Seconds between two questions to a member, and for its answer."""
NOW = 1.5
"""Seconds for which an answer says who leads."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a member said. `asked`, `answered`: monotonic seconds; it was true at some instant between them."""

    asked: float
    answered: float
    leads: bool
    is_ready: bool


class Claims:
    """Asks each member until the end of the block. `answers`: by member; no answer is none."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        self.answers: dict[str, list[Answer]] = {name: [] for name in addresses}
        self._ending = threading.Event()
        self._threads = [
            threading.Thread(target=self._ask, args=(name, address), name=f"asks {name}", daemon=True)
            for name, address in addresses.items()
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join(5)

    def _ask(self, name: str, address: str) -> None:
        http = urllib3.PoolManager(timeout=WITHIN, retries=False)
        while not self._ending.wait(EVERY):
            asked = time.monotonic()
            try:
                answer = http.request("GET", f"{address}/readyz")
                leads = bool(answer.json()["leads"])
            except (urllib3.exceptions.HTTPError, ValueError, KeyError):
                continue
            self.answers[name].append(Answer(asked, time.monotonic(), leads, answer.status == 200))

    def leader(self) -> str | None:
        """Returns who says now that it leads."""
        now = time.monotonic()
        last = {name: some[-1] for name, some in self.answers.items() if some}
        found = [name for name, one in last.items() if one.leads and now - one.asked < NOW]
        return found[0] if found else None

    def all_ready(self, names: Iterable[str]) -> bool:
        """Returns whether these members say now that they are ready."""
        now = time.monotonic()
        last = [self.answers[name][-1] if self.answers[name] else None for name in names]
        return all(one is not None and one.is_ready and now - one.asked < NOW for one in last)

    def first_after(self, moment: float, but: str | None = None) -> float | None:
        """Returns when a member other than `but` first said that it leads, asked after a moment; `None`: none yet."""
        found = [
            next((one.answered for one in _asked_after(some, moment) if one.leads), None)
            for name, some in self.answers.items()
            if name != but
        ]
        return min((one for one in found if one is not None), default=None)


def _asked_after(some: list[Answer], moment: float) -> list[Answer]:
    """Returns the answers that were asked for after a moment, in order."""
    first = len(some)
    while first and some[first - 1].asked > moment:
        first -= 1
    return some[first:]


def overlaps(answers: Mapping[str, list[Answer]]) -> int:
    """Returns how often two members surely led at once.

    One led in two answers in a row, and another one said between them that it leads.
    """
    found = 0
    for name, some in answers.items():
        others = sorted((one for other, more in answers.items() if other != name for one in more), key=_asked)
        others = [one for one in others if one.leads]
        place = 0
        for before, after in pairwise(some):
            while place < len(others) and others[place].asked < before.answered:
                place += 1
            if before.leads and after.leads and place < len(others) and others[place].answered <= after.asked:
                found += 1
    return found


def _asked(answer: Answer) -> float:
    return answer.asked
