"""Any sites file that a person may write, as the villages, regions and holidays that it means."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from hypothesis import strategies as st

from siaga.model.clock import SECOND
from siaga.model.durations import LONGEST
from siaga.model.indicators import INDICATORS, POWER
from siaga.model.signals import SIGNALS, SignalType
from siaga.model.sites import Adapter, Device, Facility, Needs, Silence, Village
from siaga.sites.file import SitesDocument

TEXTS = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20) | st.sampled_from(
    [
        "No",
        "0755",
        "1.5",
        "~",
        "- a",
        "a: b",
        " #x ",
        "2026-01-01",
        "Balai Désa",
        "=",
        "'",
        '"',
        "{a}",
        "null",
        "é" * 200,
    ]
)
SLUGS = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,9}", fullmatch=True)
DURATIONS = st.integers(1, LONGEST // SECOND).map(lambda seconds: seconds * SECOND)
SHARES = st.integers(1, 10**9).map(lambda n: float(f"{n / 10**9:.9f}")) | st.integers(1, 10**6).map(
    lambda n: float(f"{n / 10**4:.4f}") / 100
)
BOOLEANS = [name for name, signal in SIGNALS.items() if signal.type is SignalType.BOOL]
MAPPABLE = [name for name in SIGNALS if name not in ("alive", "heard")]
SCHEDULES: Sequence[str | tuple[str, ...]] = ("24h", "night", "office", ("Mon-Sat 18:00-06:00", "Sun 08:00-24:00"))
DATES = st.dates(date(2020, 1, 1), date(2040, 1, 1))


@st.composite
def facilities(draw: st.DrawFn, number: int) -> tuple[Facility, ...]:
    """The facilities of the n-th village, each address once."""
    found: list[Facility] = []
    ids = draw(st.lists(SLUGS, max_size=3, unique=True))
    devices = iter(draw(st.lists(SLUGS, min_size=6, max_size=6, unique=True)))
    for facility in ids:
        mine: list[Device] = []
        for _ in range(draw(st.integers(0, 2))):
            adapter = draw(st.sampled_from([Adapter.SENML, Adapter.TASMOTA, Adapter.JSON, Adapter.LORAWAN]))
            name = next(devices)
            address = {
                Adapter.SENML: None,
                Adapter.LORAWAN: f"{number:08x}{len(found):04x}{len(mine):04x}",
            }.get(adapter, f"{draw(TEXTS).replace('+', '').replace('#', '')[:100]}/{number}/{name}")
            mine.append(
                Device(
                    name,
                    adapter,
                    draw(DURATIONS),
                    address,
                    draw(st.dictionaries(TEXTS, st.sampled_from(MAPPABLE), max_size=2)),
                    draw(st.frozensets(st.sampled_from(BOOLEANS), max_size=2)),
                )
            )
        found.append(
            Facility(
                facility,
                draw(st.sampled_from([*INDICATORS, POWER])),
                draw(TEXTS),
                tuple(mine),
                draw(st.none() | DATES),
                draw(st.sampled_from(Needs)),
                draw(st.none() | st.just(0) | DURATIONS),
                draw(st.none() | st.just(0) | DURATIONS),
                draw(st.none() | SHARES),
                draw(st.none() | st.sampled_from(SCHEDULES)),
                draw(st.none() | st.sampled_from(Silence)),
            )
        )
    return tuple(found)


@st.composite
def documents(draw: st.DrawFn, most: int = 3) -> SitesDocument:
    """A sites file."""
    holidays = draw(st.dictionaries(DATES, TEXTS, max_size=3))
    villages = []
    for number, code in enumerate(draw(st.lists(st.integers(1, 30), max_size=most, unique=True))):
        place = Village(
            f"35.10.{15 + code % 3}.{2000 + code}",
            draw(TEXTS),
            draw(st.floats(-90, 90)) or 0.0,
            draw(st.floats(-180, 180)) or 0.0,
            draw(st.sampled_from(["Asia/Jakarta", "Asia/Makassar", "UTC"])),
            draw(facilities(number)),
            draw(st.booleans()),
            draw(st.just(300_000) | DURATIONS),
            draw(st.none() | TEXTS),
        )
        villages.append(replace(place, holidays=frozenset(holidays)))
    regions = draw(st.dictionaries(st.sampled_from(["35.10", "35.10.15", "35.10.16", "35"]), TEXTS))
    return SitesDocument(villages, regions, holidays)
