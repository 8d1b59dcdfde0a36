"""A dozen villages with a day of history, as a district's page shows them; and Debian's Chromium to look at it."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, expect, sync_playwright

from siaga.database import writing
from siaga.database.spans import write_spans
from siaga.model.clock import DAY, HOUR, MINUTE
from siaga.model.sites import Adapter, Device, Facility, Village
from siaga.timeline.span_algebra import FOREVER
from siaga.timeline.spans import Span, State
from tests.http.district import NOW, District
from tests.wait import PATIENCE

NAMES = (
    "Kampunganyar", "Banjar", "Pakel", "Gumuk", "Kluncing", "Tamansari", "Jelun", "Kenjo", "Glagah", "Olehsari",
    "Kemiren", "Rejosari",
)  # fmt: skip
KINDS = (
    ("gerbang", "gate", "Gerbang kantor desa", "gate_open"),
    ("wifi", "free_wifi", "Wi-Fi balai desa", "internet"),
    ("lampu", "office_lighting", "Lampu kantor", "lamp_on"),
    ("jaga", "night_guard", "Pos jaga", "checkin"),
    ("listrik", "power", "Listrik kantor", None),
)

Lengths = list[tuple[int, State, str | None]]


def code(number: int) -> str:
    """The code of the n-th village."""
    return f"35.10.{15 + number // 2000:02d}.{2001 + number % 2000}"


def villages(count: int = 12) -> list[Village]:
    """So many villages, each with a gate, Wi-Fi, a lamp, a guard post and its mains."""
    return [
        Village(
            code(number),
            NAMES[number % len(NAMES)] if number < len(NAMES) else f"{NAMES[number % len(NAMES)]} {number}",
            -8.2,
            114.3,
            "Asia/Jakarta",
            tuple(
                Facility(name, kind, title, (Device(f"{name}-1", Adapter.SENML, MINUTE),))
                for name, kind, title, _ in KINDS
            ),
        )
        for number in range(count)
    ]


def fill(district: District, count: int = 12) -> None:
    """The villages, and for each facility a day with some failures and gaps, as chance has it."""
    chance = random.Random(11)
    district.registry.replace(villages(count), NOW - 40 * DAY)
    spans: dict[tuple[str, str], dict[int, Span | None]] = {}
    for number in range(count):
        for name, kind, _, signal in KINDS:
            if signal is not None:
                lengths = _night() if kind == "office_lighting" else _day(chance, signal)
                spans[code(number), name] = {span.start: span for span in _spans(lengths)}
        district.link(code(number), "offline" if number == 5 else "online", NOW - 3 * HOUR, NOW - MINUTE)
    with writing(district.engine) as connection:
        write_spans(connection, spans)


def _day(chance: random.Random, signal: str) -> Lengths:
    lengths: Lengths = []
    for _ in range(chance.choice([0, 0, 1, 2, 6])):
        lengths.append((chance.randrange(HOUR, 5 * HOUR), State.MET, None))
        bad = chance.choice([(State.FAILED, signal), (State.FAILED, signal), (State.UNKNOWN, "village_offline")])
        lengths.append((chance.randrange(MINUTE, HOUR), *bad))
    return [*lengths, (HOUR, *chance.choice([(State.MET, None)] * 8 + [(State.FAILED, signal)]))]


def _night() -> Lengths:
    return [(2 * HOUR, State.NOT_REQUIRED, None), (12 * HOUR, State.MET, None), (HOUR, State.NOT_REQUIRED, None)]


def _spans(lengths: Lengths) -> Iterator[Span]:
    start = NOW - 30 * HOUR
    for length, state, cause in lengths[:-1]:
        yield Span(start, start + length, state, cause)
        start += length
    yield Span(start, FOREVER, *lengths[-1][1:])


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium without a window. What a test expects on a page may take its time: the machine may be busy."""
    expect.set_options(timeout=PATIENCE * 1_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ],
        )
        yield browser
        browser.close()
