"""A robot that posts complaints as fast as it can, and people who come meanwhile.

    .venv/bin/python -m tests.complaints.robot --facility 35.10.15.2012/gerbang --posts 10000

The robot sits behind one address and tries all ways: calls, GeoReport, the form with a stamp of its own making, and
with one that it was given, photos that are none. Each person has another address, opens the form, fills it in, and
sends it with a photo. It prints what became of both, and the people's times without the robot beside those with it.
"""

import argparse
import http.client
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import quote, urlencode, urlsplit

from tests.attestations.photos import jpeg

__all__ = ["Caller", "Crowd", "Person", "multipart", "storm"]

ARMS = 8
"""Connections of the robot at the same time."""
FORMS = 40
"""Forms that the robot opens before it begins. Each is one complaint, however often it is sent."""
FILLS_IN = 2.5
"""Seconds that a person takes, in real time."""
_ACTION = re.compile(r'action="(/complaints\?[^"]+)"')
_EDGE = "siaga-edge"


@dataclass(frozen=True, slots=True)
class Person:
    """What became of a person: the answer to the form, seconds until it was there, and until it was answered."""

    status: int
    opened: float
    sent: float


@dataclass(slots=True)
class Crowd:
    """Who came while the robot posted, and what it was answered, by status."""

    people: list[Person] = field(default_factory=list)
    robot: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0


class Caller:
    """Somebody behind an address, as a proxy names it, with a connection of their own."""

    def __init__(self, url: str, address: str) -> None:
        parts = urlsplit(url)
        self._host, self._address, self._origin = parts.netloc, address, url.rstrip("/")

    def call(self, method: str, path: str, body: bytes | None = None, kind: str = "") -> tuple[int, str]:
        """Returns the status of the answer, and its text."""
        connection = http.client.HTTPConnection(self._host, timeout=60)
        headers = {"X-Forwarded-For": self._address, "Origin": self._origin} | ({"Content-Type": kind} if kind else {})
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode(errors="replace")
        finally:
            connection.close()

    def form(self, facility: str) -> str:
        """Open the form of a facility. Returns where it is sent."""
        status, page = self.call("GET", f"/lapor/{quote(facility)}")
        found = _ACTION.search(page)
        assert found is not None, (status, page[:500])
        return unescape(found[1])


def multipart(fields: dict[str, str], photo: bytes | None = None) -> tuple[bytes, str]:
    """Returns the body of a form as browsers send it, and its content type."""
    start = f"--{_EDGE}\r\nContent-Disposition: form-data; name="
    body = "".join(f'{start}"{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()).encode()
    if photo is not None:
        body += f'{start}"photo"; filename="a.jpg"\r\n\r\n'.encode() + photo + b"\r\n"
    return body + f"--{_EDGE}--\r\n".encode(), f"multipart/form-data; boundary={_EDGE}"


def come(url: str, facility: str, address: str, pause: Callable[[], None], photo: bytes) -> Person:
    """Be a person: open the form, fill it in, send it with a photo."""
    person = Caller(url, address)
    began = time.monotonic()
    action = person.form(facility)
    opened = time.monotonic() - began
    pause()
    body, kind = multipart({"problem": "gate_closed", "note": f"dari {address}"}, photo)
    began = time.monotonic()
    status, _ = person.call("POST", action, body, kind)
    return Person(status, opened, time.monotonic() - began)


class Robot:
    """Posts in all ways, one after the other, from one address."""

    def __init__(self, url: str, facility: str) -> None:
        self._caller, self._facility = Caller(url, "10.66.6.6"), facility
        self._stamped = [self._caller.form(facility) for _ in range(FORMS)]

    def post(self, number: int) -> int:
        """Returns the status of the answer to one post."""
        note = f"robot {number}"
        said = {"problem": "gate_closed", "note": note}
        encoded, stamped = "application/x-www-form-urlencoded", self._stamped[number // 5 % FORMS]
        match number % 5:
            case 0:
                body = json.dumps({"facility": self._facility, **said}).encode()
                return self._caller.call("POST", "/api/v1/complaints", body, "application/json")[0]
            case 1:
                address = f"/complaints?facility={quote(self._facility)}&stamp={number}.x.y"
                return self._caller.call("POST", address, urlencode(said).encode(), encoded)[0]
            case 2:
                service = {"service_code": "gate-gate_closed", "address_id": self._facility, "description": note}
                return self._caller.call("POST", "/open311/v2/requests.xml", urlencode(service).encode(), encoded)[0]
            case 3:
                return self._caller.call("POST", stamped, *multipart(said, b"GIF89a<svg/>" * 99))[0]
        return self._caller.call("POST", stamped, *multipart(said))[0]


def storm(url: str, facility: str, posts: int, people: int, pause: Callable[[], None]) -> Crowd:
    """Let people come one after the other while the robot posts. `pause`: while a person fills in the form."""
    found, robot, photo = Crowd(), Robot(url, facility), jpeg(800, 600)
    pause()  # it knows that a form may not be sent at once
    began = time.monotonic()
    with ThreadPoolExecutor(ARMS) as arms:
        answers = [arms.submit(robot.post, number) for number in range(posts)]
        for n in range(people):
            found.people.append(come(url, facility, f"10.9.{n}.1", pause, photo))
        found.robot.update(answer.result() for answer in answers)
    found.seconds = time.monotonic() - began
    return found


def _said(people: Sequence[Person]) -> str:
    opened, sent = (sorted(getattr(one, name) for one in people) for name in ("opened", "sent"))
    middle = len(people) // 2
    statuses = dict(Counter(one.status for one in people))
    return (
        f"{len(people)} people: {statuses}; form there after {opened[middle]:.2f} s (longest {opened[-1]:.2f} s), "
        f"answered after {sent[middle]:.2f} s (longest {sent[-1]:.2f} s)"
    )


def main() -> None:
    """Run it against a siaga that is up, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--facility", required=True)
    parser.add_argument("--posts", type=int, default=10_000)
    parser.add_argument("--people", type=int, default=20)
    given = parser.parse_args()

    def pause() -> None:
        threading.Event().wait(FILLS_IN)

    photo = jpeg(800, 600)
    alone = [come(given.url, given.facility, f"10.8.{n}.1", pause, photo) for n in range(given.people)]
    found = storm(given.url, given.facility, given.posts, given.people, pause)
    print("without the robot:", _said(alone))  # noqa: T201 - the figures are what it is for
    print("beside the robot: ", _said(found.people))  # noqa: T201
    print(f"robot: {found.robot.total()} posts in {found.seconds:.0f} s: {dict(found.robot)}")  # noqa: T201


if __name__ == "__main__":
    main()
