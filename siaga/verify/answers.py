"""Reads the HTTP API of a running siaga. Times are converted to ms."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import quote, urlencode

import urllib3
from pydantic import BaseModel, ValidationError

__all__ = ["Answers", "Availability", "CannotAsk", "RaisedAlert", "ToldComplaint", "ToldSpan"]

MOST_STEPS = 10_000
"""The API's limit of points in one series."""


OF_DEVICES = frozenset({"device_silent", "no_evidence", "clock_skew", "gateway_buffer"})
"""Kinds of alerts about a device. Such an alert names the facility, too."""


class CannotAsk(ConnectionError):
    """The API did not answer, or gave an invalid answer. The message is one sentence."""


class _Span(BaseModel):
    start: datetime
    end: datetime
    state: str
    cause: str | None
    excused: bool


class _Timeline(BaseModel):
    spans: list[_Span]


class _Availability(BaseModel):
    id: str
    required_s: float
    met_s: float
    failed_s: float
    unknown_s: float
    excused_s: float


class _Alert(BaseModel):
    id: int | str
    kind: str
    village: str
    facility: str | None = None
    device: str | None = None
    began_at: datetime
    raised_at: datetime
    ended_at: datetime | None = None
    cleared_at: datetime | None = None
    cause: str | None = None


class _Complaint(BaseModel):
    id: str
    facility: str
    problem: str
    created_at: datetime
    contradicts: bool


class _Step(BaseModel):
    count: int


class _Series(BaseModel):
    items: list[_Step]


class _Page(BaseModel):
    items: list[dict[str, object]]
    next: str | None


@dataclass(frozen=True, slots=True)
class ToldSpan:
    """A span of the API's timeline."""

    start: int
    end: int
    state: str
    cause: str | None
    excused: bool


@dataclass(frozen=True, slots=True)
class Availability:
    """The API's availability in a window, in seconds."""

    required: float
    met: float
    failed: float
    unknown: float
    excused: float


@dataclass(frozen=True, slots=True)
class RaisedAlert:
    """An alert in the API. `subject`: its device, facility or village."""

    id: str
    kind: str
    village: str
    subject: str
    cause: str | None
    began_at: int
    raised_at: int
    ended_at: int | None


@dataclass(frozen=True, slots=True)
class ToldComplaint:
    """A complaint in the API. `facility`: its name there."""

    id: str
    facility: str
    problem: str
    created_at: int
    contradicts: bool


class Answers:
    """The API at `url`, with a token. Every method raises `CannotAsk` if there is no valid answer."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url.rstrip("/")
        """Where its pages are."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = urllib3.PoolManager(headers=headers, timeout=30, retries=urllib3.Retry(2, redirect=0))

    def close(self) -> None:
        """Close the connections."""
        self._http.clear()

    def ready(self) -> str | None:
        """Returns why it is not ready; `None` if it is."""
        try:
            answer = self._http.request("GET", f"{self.url}/readyz", retries=False)
        except urllib3.exceptions.HTTPError as problem:
            return _no_answer(self.url, problem)
        return (
            None if answer.status == 200 else f"{self.url} is not ready: {answer.data[:200].decode(errors='replace')}"
        )

    def facilities(self) -> dict[str, str]:
        """Returns all facilities and their current states."""
        return {str(item["id"]): str(item["state"]) for item in self._items("/facilities", {})}

    def timeline(self, facility: str, start: int, end: int) -> list[ToldSpan]:
        """Returns the timeline of a facility."""
        document = self._get(f"/facilities/{quote(facility)}/timeline", {"from": _time(start), "to": _time(end)})
        spans = _checked(_Timeline, document, "a timeline").spans
        return [ToldSpan(_ms(s.start), _ms(s.end), s.state, s.cause, s.excused) for s in spans]

    def availability(self, village: str, start: int, end: int) -> dict[str, Availability]:
        """Returns the availability of all facilities of a village."""
        found = {}
        for item in self._items("/availability", {"village": village, "from": _time(start), "to": _time(end)}):
            a = _checked(_Availability, item, "an availability")
            found[a.id] = Availability(a.required_s, a.met_s, a.failed_s, a.unknown_s, a.excused_s)
        return found

    def alerts(self, village: str) -> list[RaisedAlert]:
        """Returns all alerts of a village, open or not."""
        found = []
        for item in self._items("/alerts", {"village": village}):
            a = _checked(_Alert, item, "an alert")
            subject = (a.device if a.kind in OF_DEVICES else a.facility) or a.village
            ended = None if a.ended_at is None else _ms(a.ended_at)
            times = (_ms(a.began_at), _ms(a.raised_at), ended)
            found.append(RaisedAlert(str(a.id), a.kind, a.village, subject, a.cause, *times))
        return found

    def complaints(self, village: str) -> list[ToldComplaint]:
        """Returns all complaints of a village's facilities."""
        found = []
        for item in self._items("/complaints", {"village": village}):
            c = _checked(_Complaint, item, "a complaint")
            found.append(ToldComplaint(c.id, c.facility, c.problem, _ms(c.created_at), c.contradicts))
        return found

    def stored(self, village: str, device: str, signal: str, start: int, end: int) -> int:
        """Returns the number of stored readings of a signal with event time in `[start, end)`; both whole seconds."""
        step = -(-(end - start) // 1000 // (MOST_STEPS - 1)) or 1
        fields = {"from": _time(start), "to": _time(end), "step": f"{step}s"}
        document = self._get(f"/series/{quote(village)}/{quote(device)}/{quote(signal)}", fields)
        return sum(step.count for step in _checked(_Series, document, "a series").items)

    def refused(self, village: str) -> int:
        """Returns the number of a village's payloads in the quarantine."""
        return len(self._items("/quarantine", {"village": village}))

    def _items(self, path: str, fields: Mapping[str, str]) -> list[dict[str, object]]:
        items: list[dict[str, object]] = []
        cursor: dict[str, str] = {}
        while True:
            page = _checked(_Page, self._get(path, {**fields, **cursor}), "a list")
            items += page.items
            if page.next is None or not page.items:
                return items
            cursor = {"cursor": page.next}

    def _get(self, path: str, fields: Mapping[str, str]) -> object:
        url = f"{self.url}/api/v1{path}" + (f"?{urlencode(fields)}" if fields else "")
        try:
            answer = self._http.request("GET", url)
        except urllib3.exceptions.HTTPError as problem:
            raise CannotAsk(_no_answer(self.url, problem)) from None
        if answer.status == 401:
            raise CannotAsk(f"{self.url} does not take the token: make one by siaga token create --role viewer")
        if answer.status != 200:
            raise CannotAsk(f"{path} answers {answer.status}: {answer.data[:200].decode(errors='replace')}")
        try:
            return json.loads(answer.data)
        except ValueError:
            raise CannotAsk(f"{path} does not answer with JSON") from None


def _no_answer(url: str, problem: Exception) -> str:
    return f"{url} does not answer ({type(problem).__name__}): is siaga up, --url right?"


M = TypeVar("M", bound=BaseModel)


def _checked(model: type[M], document: object, what: str) -> M:
    """Returns the document as an instance of the model.

    Raises:
        CannotAsk: it is not one.
    """
    try:
        return model.model_validate(document)
    except ValidationError as problem:
        first = problem.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise CannotAsk(f"{what} of the API is not as it should be: {place}: {first['msg']}") from None


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat().replace("+00:00", "Z")


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
