"""Citizens: they see what is so, open the form behind the QR code at a facility, and report by it.

They know the public pages alone, as everybody does: the form says where it is sent, and the answer leads to the page of
their complaint. All sit behind one address, as the phones of a village do.
"""

import re
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from html import unescape
from urllib.parse import quote, urljoin, urlsplit

import structlog
import urllib3

__all__ = ["Citizens", "Complaint", "Visit"]

log = structlog.get_logger(__name__)

FILLS_IN = 3.0
"""Seconds that a citizen takes to fill in the form."""
AGAIN = 5.0
"""Seconds until a citizen whom nobody answered tries again, if the answer says no other time."""
AT_ONCE = 8
"""Citizens who have a form open at the same time. They send one after the other."""
NOT_NOW = frozenset({408, 502, 503, 504})
_FORM = re.compile(r'<form id="complaint"[^>]* action="([^"]*)"')
_PAGE = re.compile(r"/lapor/([a-z0-9]+)")


@dataclass(frozen=True, slots=True)
class Visit:
    """A citizen who complains of a facility. `at`: when, ms."""

    at: int
    village: str
    facility: str
    problem: str
    note: str


@dataclass(frozen=True, slots=True)
class Complaint:
    """What became of a visit. `time`: when it was answered, ms. `id`: of the complaint; `None`: it was not taken."""

    visit: Visit
    time: int
    id: str | None


class Citizens:
    """Sends the complaints of some visits to the pages at `url`. Use it as a context manager.

    `clock`: wall time, ms. `speed`: how many times faster than real time it runs.
    """

    def __init__(self, url: str, visits: Sequence[Visit], clock: Callable[[], int], speed: float = 1) -> None:
        self._url, self._clock, self._speed = url.rstrip("/"), clock, speed
        self._waiting = deque(sorted(visits, key=lambda visit: visit.at))
        self._http = urllib3.PoolManager(timeout=30, retries=False, maxsize=AT_ONCE)
        self._people = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="citizen")
        self._turn = threading.Lock()
        self._stop = threading.Event()
        self._out: list[Visit] = []
        self._answered: deque[Complaint] = deque()

    def __enter__(self) -> "Citizens":
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._people.shutdown(wait=True)
        self._http.clear()

    def go(self, now: int) -> None:
        """Let those complain whose time has come, without waiting for them."""
        while self._waiting and self._waiting[0].at <= now:
            visit = self._waiting.popleft()
            self._out.append(visit)
            self._people.submit(self._visit, visit)

    def answered(self) -> Sequence[Complaint]:
        """Returns the complaints that were answered since the last call."""
        found = [self._answered.popleft() for _ in range(len(self._answered))]
        found = [one for one in found if one.visit in self._out]
        for one in found:
            self._out.remove(one.visit)
        return found

    def is_waiting(self, until: int) -> bool:
        """Returns whether a citizen of the time before `until` (ms) has no answer yet."""
        return bool(self._out or (self._waiting and self._waiting[0].at <= until))

    def give_up(self) -> Sequence[Complaint]:
        """Send nobody any more. Returns the complaints that were not answered, as not taken."""
        self._stop.set()
        left, now = [*self._out, *self._waiting], self._clock()
        self._out.clear()
        self._waiting.clear()
        return [Complaint(visit, now, None) for visit in left]

    def _visit(self, visit: Visit) -> None:
        made = None
        try:
            form = self._opened(visit)
            if form is not None and not self._stop.wait(FILLS_IN / self._speed):
                with self._turn:
                    made = self._sent(visit, form)
        except Exception:
            log.exception("citizen_failed", facility=f"{visit.village}/{visit.facility}")
        self._answered.append(Complaint(visit, self._clock(), made))

    def _opened(self, visit: Visit) -> str | None:
        """Returns where the form of a facility is sent; `None`: there is none."""
        page = f"{self._url}/lapor/{quote(visit.village)}/{quote(visit.facility)}"
        answer = self._until_answered("GET", page)
        found = None if answer is None else _FORM.search(answer.data.decode(errors="replace"))
        return None if found is None else urljoin(page, unescape(found[1]))

    def _sent(self, visit: Visit, form: str) -> str | None:
        """Returns the id of the complaint that was made; `None`: it was refused."""
        parts = urlsplit(form)
        answer = self._until_answered(
            "POST",
            form,
            fields={"problem": visit.problem, "note": visit.note},
            headers={"Origin": f"{parts.scheme}://{parts.netloc}"},
        )
        leads_to = None if answer is None or answer.status != 303 else _PAGE.match(answer.headers.get("Location", ""))
        if leads_to is None and answer is not None:
            log.warning("complaint_refused", facility=f"{visit.village}/{visit.facility}", status=answer.status)
        return None if leads_to is None else leads_to[1]

    def _until_answered(
        self, method: str, address: str, *, fields: dict[str, str] | None = None, headers: dict[str, str] | None = None
    ) -> urllib3.BaseHTTPResponse | None:
        """Send a request until it is answered. `None`: the run ended before."""
        while not self._stop.is_set():
            wait = AGAIN
            try:
                answer = self._http.request(method, address, fields=fields, headers=headers, redirect=False)
            except urllib3.exceptions.HTTPError:
                pass  # nobody answers: it is sent again, and its form makes it one complaint
            else:
                if answer.status not in NOT_NOW:
                    return answer
                told = answer.headers.get("Retry-After", "")
                wait = float(told) if told.isdigit() else AGAIN
            self._stop.wait(wait / self._speed)
        return None
