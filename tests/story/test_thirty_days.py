"""Thirty days of two villages, shuffled and doubled: what siaga says equals the brute-force judge, exactly."""

import random
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from siaga.model.observation import Reading
from siaga.sites.file import read_sites
from siaga.timeline.spans import Span, State
from tests.servers import Influxd, Mosquitto
from tests.story.player import GatewayPlayer, Record
from tests.story.system import System, rfc3339, unix
from tests.timeline.brute_force import BruteForce
from tests.wait import until

DAY = 86_400
ZONE = "Asia/Jakarta"
EVERY = 600  # seconds; all times of this history are multiples of STEP
STEP = 30
HISTORY = """
  - code: "{code}"
    name: {name}
    lat: -8.2
    lon: 114.3
    timezone: Asia/Jakarta
    gateway: remote
    offline_after: 90d
    facilities:
      - {{id: gerbang, kind: gate, name: Gerbang, devices: [{{id: gerbang-1, adapter: senml, every: 10m}}]}}
      - id: wifi
        kind: free_wifi
        name: Wi-Fi
        needs: {needs}
        devices:
          - {{id: ap-1, adapter: senml, every: 10m}}
          - {{id: ap-2, adapter: senml, every: 10m}}
      - {{id: jaga, kind: night_guard, name: Pos jaga, devices: [{{id: tombol, adapter: senml, every: 10m}}]}}
      - id: lampu
        kind: office_lighting
        name: Lampu
        schedule: ["Mon-Sun 18:00-06:00"]
        devices: [{{id: lampu-1, adapter: senml, every: 10m}}]
      - {{id: listrik, kind: power, name: PLN, devices: [{{id: pln, adapter: senml, every: 10m}}]}}
"""
CODES = ("35.10.15.2001", "35.10.15.2002")
SITES = "villages:" + "".join(
    HISTORY.format(code=code, name=f"Desa {n}", needs="all" if n == 1 else "any") for n, code in enumerate(CODES)
)
VILLAGES = {village.code: village for village in read_sites(SITES, "sites.yaml")}
SIGNALS = {
    "gerbang-1": ("gate_open",),
    "ap-1": ("wifi_up", "wifi_open", "internet"),
    "ap-2": ("online", "wifi_open"),
    "tombol": ("checkin", "battery"),
    "lampu-1": ("lamp_on", "power"),
    "pln": ("mains",),
}


def runs(chance: random.Random, start: int, end: int, mean: int) -> list[tuple[int, int]]:
    """Stretches of bad time, about one in `mean` seconds, each up to half a day."""
    found: list[tuple[int, int]] = []
    at = start
    while True:
        at += STEP * (1 + int(chance.expovariate(1 / mean)) // STEP)
        until_ = at + STEP * chance.randrange(2, 1440)
        if at >= end:
            return found
        found.append((at, until_))
        at = until_


def inside(time_: int, stretches: list[tuple[int, int]]) -> bool:
    return any(start <= time_ < end for start, end in stretches)


def value(signal: str, chance: random.Random, *, bad: bool) -> bool | int | float:
    if signal in ("power", "battery"):
        return round(chance.uniform(0, 1.9 if bad else 60), 2)
    if signal == "checkin":
        return 0 if bad else int(chance.random() < 0.2)
    return not bad


def history(seed: int, start: int, end: int) -> list[Record]:
    """What a gateway heard: with stretches in which it was off, devices silent, and things not as promised."""
    chance = random.Random(seed)
    off = runs(chance, start, end, 4 * DAY)
    found: list[Record] = [("gw-desa/alive", t, True) for t in range(start, end, 60) if not inside(t, off)]
    for device, signals in SIGNALS.items():
        silent, bad = runs(chance, start, end, 3 * DAY), runs(chance, start, end, 2 * DAY)
        begins = start + STEP * chance.randrange(0, 2 * DAY // STEP)
        for t in range(begins, end, EVERY):
            at = t + STEP * chance.randrange(EVERY // STEP)
            if not (at >= end or inside(at, off) or inside(at, silent)):
                found += [(f"{device}/{s}", at, value(s, chance, bad=inside(at, bad))) for s in signals]
        found += [(f"{device}/online", went, False) for went, _ in silent if begins < went < end]
    unique = {(name, at): (name, at, value_) for name, at, value_ in found}
    return list(unique.values())


@cache
def records_of(code: str, start: int, end: int) -> list[Record]:
    return history(CODES.index(code), start, end)


@cache
def expected(code: str, facility: str, start: int, end: int) -> list[Span]:
    """The brute-force judge's spans, for `[start, end)` and the two minutes after."""
    village = VILLAGES[code]
    readings = [
        Reading(*name.split("/"), int(at) * 1000, value_)  # type: ignore[call-arg,arg-type]  # a name has two parts
        for name, at, value_ in records_of(code, start, end)
    ]
    one = next(item for item in village.facilities if item.id == facility)
    return BruteForce(village, one, readings).spans(start * 1000, (end + 120) * 1000, STEP * 1000)


def cut(spans: list[Span], end: int) -> list[Span]:
    return [span._replace(end=min(span.end, end * 1000)) for span in spans if span.start < end * 1000]


def shown(system: System, facility: str, start: int, end: int) -> list[Span]:
    spans = system.get(f"/facilities/{facility}/timeline", **{"from": rfc3339(start), "to": rfc3339(end)})["spans"]
    return [
        Span(round(unix(s["start"]) * 1000), round(unix(s["end"]) * 1000), State(s["state"]), s["cause"], s["excused"])
        for s in spans
    ]


def test_thirty_days_shuffled_and_doubled(tmp_path: Path, influxd: Influxd) -> None:
    """With each store; the brute-force judge, which takes longest, judges once."""
    end = int(datetime.now(ZoneInfo(ZONE)).replace(hour=0, minute=0, second=0, microsecond=0).timestamp())
    for store in ({}, {"SIAGA_STORE_URL": influxd.store_url("thirty_days")}):
        directory = tmp_path / ("influxdb" if store else "duckdb")
        directory.mkdir()
        with Mosquitto() as mosquitto, System(directory, SITES, SIAGA_MQTT_URL=mosquitto.url, **store) as system:
            judge_shuffled_and_doubled(system, mosquitto, end - 30 * DAY, end)


def judge_shuffled_and_doubled(system: System, mosquitto: Mosquitto, start: int, end: int) -> None:
    """Send the days, and compare all that is said of them."""
    for seed, code in enumerate(CODES):
        with GatewayPlayer(mosquitto.port, code) as gateway:
            chance = random.Random(seed)
            records = records_of(code, start, end).copy()
            chance.shuffle(records)
            batches = [gateway.batch(records[at : at + 1500], sent=end) for at in range(0, len(records), 1500)]
            doubled = batches * 2
            chance.shuffle(doubled)
            for _, payload in doubled:
                gateway.publish(payload)
            until(
                lambda g=gateway, b=batches: g.is_acknowledged(seq for seq, _ in b),  # type: ignore[misc]
                timeout=120,
                what=f"the history of {code} is stored",
            )

    for code in CODES:
        for place in ("gerbang", "wifi", "jaga", "lampu"):
            facility = f"{code}/{place}"
            # A failed run at the end lasts as long as the gateway is heard; its length counts whole
            whole = expected(code, place, start, end)
            spans = cut(whole, end)
            until(
                lambda f=facility, s=spans: shown(system, f, start, end) == s,  # type: ignore[misc]
                timeout=60,
                what=f"the timeline of {facility} equals the brute-force judge's",
            )
            check_figures(system, facility, whole, start, end)
    assert system.items("/alerts", open="false") == []


def check_figures(system: System, facility: str, spans: list[Span], start: int, end: int) -> None:
    """Availability and days, counted here from the brute-force spans."""

    def seconds(low: int, high: int, state: State, *, excused: bool | None = None) -> int:
        return sum(
            max(0, min(s.end, high * 1000) - max(s.start, low * 1000)) // 1000
            for s in spans
            if s.state is state and excused in (None, s.excused)
        )

    window = {"from": rfc3339(start), "to": rfc3339(end)}
    [figures] = system.items("/availability", facility=facility, **window)
    met, failed, unknown = (seconds(start, end, s) for s in (State.MET, State.FAILED, State.UNKNOWN))
    excused = seconds(start, end, State.FAILED, excused=True) + seconds(start, end, State.UNKNOWN, excused=True)
    required = met + failed + unknown
    assert (figures["met_s"], figures["failed_s"], figures["unknown_s"]) == (met, failed, unknown)
    assert (figures["required_s"], figures["excused_s"]) == (required, excused)
    assert figures["availability_low"] == met / (required - excused)
    known_high = met + seconds(start, end, State.UNKNOWN, excused=False)
    assert figures["availability_high"] == known_high / (required - excused)
    assert figures["coverage"] == (met + failed) / required

    zone = ZoneInfo(ZONE)
    first, last = (datetime.fromtimestamp(t, zone).date() for t in (start, end))
    days = system.items("/days", facility=facility, **{"from": first.isoformat(), "to": last.isoformat()})
    assert len(days) == 30
    failures: list[list[int]] = []
    for s in spans:
        if s.state is State.FAILED and not s.excused:
            if failures and failures[-1][1] == s.start:
                failures[-1][1] = s.end
            else:
                failures.append([s.start, s.end])
    for number, item in enumerate(days):
        day = first + timedelta(days=number)
        low = int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())
        high = low + DAY
        touching = [(b - a) // 1000 for a, b in failures if a < high * 1000 and b > low * 1000]
        assert item["date"] == day.isoformat()
        assert item["failed_s"] == seconds(low, high, State.FAILED)
        assert item["unknown_s"] == seconds(low, high, State.UNKNOWN)
        assert item["longest_failure_s"] == max(touching, default=0)
        assert item["verdict"] == verdict(seconds, low, high, max(touching, default=0))


def verdict(seconds: object, low: int, high: int, longest: int) -> str:
    count = seconds
    assert callable(count)
    required = sum(count(low, high, s) for s in (State.MET, State.FAILED, State.UNKNOWN))
    excused = sum(count(low, high, s, excused=True) for s in (State.FAILED, State.UNKNOWN))
    if not required:
        return "not_required"
    if longest > 300:
        return "missed"
    known = count(low, high, State.MET) + count(low, high, State.FAILED, excused=False)
    return "met" if required > excused and known / (required - excused) >= 0.95 else "unjudged"
