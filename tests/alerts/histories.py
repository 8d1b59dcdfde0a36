"""Random histories of a village, told from its truth: what was so there, what was said of it, and when that arrived.

A history is drawn as *episodes* on top of an evening on which all is well. What devices say follows from them, report
by report; what arrives at the centre follows from that, with jitter, in another order, twice, late.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, count, takewhile

from siaga.model.clock import HOUR, MINUTE, SECOND
from siaga.model.observation import Reading
from siaga.model.signals import Value
from siaga.model.sites import Adapter, Device, Facility, Needs, Village
from tests.alerts.world import NOON, village

__all__ = ["Episode", "Health", "History", "drawn", "place"]

LENGTH = 150 * MINUTE
WELL = 4 * MINUTE
"""How long all is well at first."""
EVENING = NOON + 5 * 60 * MINUTE
"""The sun sets three quarters of an hour later, and the lamp is asked for."""
BEAT = 30 * SECOND
SELDOM = 18
"""Batches of ten seconds between two that come late: three minutes."""

EVERY = {"gerbang-1": MINUTE, "gerbang-2": 2 * MINUTE, "ap": MINUTE, "lampu": 2 * MINUTE, "jaga": MINUTE, "pln": MINUTE}
WELL_SAYS: Mapping[str, Mapping[str, Value]] = {
    "gerbang-1": {"gate_open": True, "battery": 80.0},
    "gerbang-2": {"gate_open": True},
    "ap": {"wifi_up": True, "wifi_open": True, "internet": True},
    "lampu": {"lamp_on": True},
    "jaga": {"presence": True},
    "pln": {"mains": True},
}
FAILURES = [
    ("gerbang-1", "gate_open"),
    ("gerbang-2", "gate_open"),
    ("ap", "wifi_up"),
    ("ap", "wifi_open"),
    ("ap", "internet"),
    ("lampu", "lamp_on"),
    ("jaga", "presence"),
    ("pln", "mains"),
]
LENGTHS = {
    "fails": [25, 200, 700, 1500, 4000],
    "silent": [200, 1200, 1200, 2000],
    "mute": [200, 1200, 1200, 2000],
    "cut": [60, 200, 460, 900, 1700],
    "dark": [60, 460, 900],
    "engine": [0, 0, 20, 100],
    "store": [60, 300, 900],
    "full": [100, 700, 2000],
    "skew": [100, 700, 2000],
}
"""How long episodes last, s: most of them not for about as long as something is waited for."""
KINDS = ["fails"] * 4 + ["silent"] * 2 + ["mute"] * 2 + ["cut", "dark", "engine", "engine", "store", "full", "skew"]

RESTLESS = 0.1
"""In so many histories something comes and goes."""
COINCIDES = 0.3
"""So many absences of an engine or a store begin about when those of a village begin or end."""


@dataclass(frozen=True, slots=True)
class Episode:
    """Something that is so from `start` to `end`.

    `fails`: `signal` of `device` is false. `silent`: `device` says nothing but `online`. `mute`: of `device` it is only
    heard that it spoke. `cut`: nothing gets through to the centre. `dark`: the village has no power, gateway and
    devices are off. `engine`: the engine is away (for no time at all: it is replaced). `store`: nothing is stored.
    `full`: the gateway's buffer is nearly full. `skew`: the clock of `device` is not trusted.
    """

    kind: str
    start: int
    end: int
    device: str = ""
    signal: str = ""

    def holds(self, time: int) -> bool:
        return self.start <= time < self.end


@dataclass(frozen=True, slots=True)
class Health:
    """What a gateway says of itself: whether its buffer is nearly full, and since when whose clocks are not trusted."""

    full: bool
    skewed: Mapping[str, int]


@dataclass(frozen=True)
class History:
    """What was so, and by what chance it arrived."""

    village: Village
    start: int
    episodes: tuple[Episode, ...]
    jitter: int
    seed: int

    @property
    def end(self) -> int:
        return self.start + LENGTH

    def during(self, *kinds: str) -> list[Episode]:
        """The episodes of some kinds, in order."""
        return sorted((each for each in self.episodes if each.kind in kinds), key=lambda each: each.start)

    def _is(self, kind: str, time: int, device: str = "") -> bool:
        return any(each.kind == kind and each.device == device and each.holds(time) for each in self.episodes)

    def _says(self, device: str, time: int) -> dict[str, Value]:
        says = dict(WELL_SAYS[device])
        for each in self.during("fails"):
            if each.device == device and each.holds(time):
                says[each.signal] = False
        return says

    @cached_property
    def readings(self) -> list[Reading]:
        """All that was said, by event time."""
        return sorted(chain(self._beats(), *map(self._device, EVERY)), key=lambda reading: reading.time)

    def _beats(self) -> Iterator[Reading]:
        for time in range(self.start, self.end, BEAT):
            if not self._is("dark", time):
                yield Reading("gw", "alive", time, True)

    def _device(self, device: str) -> Iterator[Reading]:
        chance = random.Random(f"{self.seed} {device}")
        first = self.start + chance.randrange(EVERY[device] // SECOND) * SECOND
        regular = takewhile(lambda time: time < self.end, count(first, EVERY[device]))
        times = {time + chance.randint(-2, 2) * SECOND for time in regular}
        edges = {edge for each in self.during("fails") if each.device == device for edge in (each.start, each.end)}
        for time in sorted(time for time in times | edges if self.start <= time < self.end):
            if self._is("dark", time):
                continue
            yield Reading(device, "online", time, True)
            if self._is("silent", time, device):
                continue
            if self._is("mute", time, device):
                yield Reading(device, "heard", time, 1)
            else:
                for signal, value in self._says(device, time).items():
                    yield Reading(device, signal, time, value)

    @cached_property
    def arrivals(self) -> list[tuple[int, list[Reading]]]:
        """The batches, by when they arrive."""
        chance = random.Random(f"{self.seed} way")
        batches: dict[int, list[Reading]] = {}
        for reading in self.readings:
            batches.setdefault(reading.time // (10 * SECOND), []).append(reading)
        found: list[tuple[int, list[Reading]]] = []
        cuts = self.during("cut")
        late_before = 0
        for number, batch in batches.items():
            at = (number + 1) * 10 * SECOND + chance.randint(0, self.jitter)
            # One of several: what else is said of the time makes up for it
            if number > late_before + SELDOM and self._says_nothing_new(batch) and chance.random() < 0.2:
                late_before = number
                at += chance.randint(MINUTE, 8 * MINUTE)
            chance.shuffle(batch)
            while (held := next((cut for cut in cuts if cut.holds(at)), None)) is not None:
                at = held.end + chance.randint(0, 4 * SECOND)
            found.append((at, batch))
            if chance.random() < 0.1:
                found.append((found[-1][0] + chance.randint(0, self.jitter), batch))
        return sorted(((at, batch) for at, batch in found if at < self.end), key=lambda one: one[0])

    @cached_property
    def health(self) -> list[tuple[int, Health]]:
        """What the gateway says of itself, by when it arrives: soon after it changed, or after it has a link again."""
        chance = random.Random(f"{self.seed} health")
        edges = {edge for each in self.during("full", "skew", "cut", "dark") for edge in (each.start, each.end)}
        said = sorted(edge + chance.randint(0, 10) * SECOND for edge in sorted({self.start, *edges}))
        found: list[tuple[int, Health]] = []
        for time in said:
            at = max([time + chance.randint(0, self.jitter), *(arrived for arrived, _ in found[-1:])])
            if at < self.end and not any(each.holds(time) or each.holds(at) for each in self.during("cut", "dark")):
                found.append((at, self._health(time)))
        return found

    def _health(self, time: int) -> Health:
        skews = [each for each in self.during("skew") if each.holds(time)]
        return Health(self._is("full", time), {each.device: each.start for each in reversed(skews)})

    def _says_nothing_new(self, batch: list[Reading]) -> bool:
        """Whether what it says is what was said a while before and will be a while after: it may come late."""
        around = range(batch[0].time - 4 * MINUTE, batch[-1].time + 4 * MINUTE, 10 * SECOND)
        kinds = ("fails", "silent", "mute", "dark", "cut", "engine", "store")
        edges = [edge for each in self.during(*kinds) for edge in (each.start, each.end)]
        return not any(around.start <= edge < around.stop for edge in edges)


def place(grace: int, recovery: int, needs: Needs) -> Village:
    """A gate with two devices, a Wi-Fi, a lamp, a guard, and mains."""

    def device(name: str) -> Device:
        return Device(name, Adapter.SENML, EVERY[name])

    gate = Facility("gerbang", "gate", "Gerbang", (device("gerbang-1"), device("gerbang-2")), needs=needs)
    wifi = Facility("wifi", "free_wifi", "Wi-Fi", (device("ap"),))
    lamp = Facility("lampu", "office_lighting", "Lampu", (device("lampu"),))
    guard = Facility("jaga", "night_guard", "Jaga", (device("jaga"),))
    power = Facility("pln", "power", "PLN", (device("pln"),))
    held = [replace(each, grace=grace, recovery=recovery) for each in (gate, wifi, lamp, guard)]
    return village(*held, power)


def drawn(number: int) -> History:
    """The history of a number. Its times are whole seconds; most lengths are far from what the contract waits for."""
    chance = random.Random(number)
    start = chance.choice([NOON, EVENING])
    episodes = [_episode(chance, start) for _ in range(chance.randint(4, 9))]
    if chance.random() < RESTLESS:
        episodes += _restless(chance, start)
    episodes = [_together(chance, each, episodes) for each in episodes]
    grace, recovery = chance.choice([2, 5]) * MINUTE, chance.choice([30 * SECOND, 2 * MINUTE])
    needs, jitter = chance.choice(list(Needs)), chance.choice([0, 3, 12]) * SECOND
    return History(place(grace, recovery, needs), start, tuple(episodes), jitter, number)


def _episode(chance: random.Random, start: int) -> Episode:
    kind = chance.choice(KINDS)
    begins = start + WELL + chance.randint(0, (LENGTH - WELL) // SECOND - 60) * SECOND
    lasts = (chance.choice(LENGTHS[kind]) + (chance.randint(0, 50) if kind != "engine" else 0)) * SECOND
    device, signal = chance.choice(FAILURES) if kind in ("fails", "silent", "mute", "skew") else ("", "")
    return Episode(kind, begins, begins + lasts, device, signal if kind == "fails" else "")


def _together(chance: random.Random, each: Episode, others: list[Episode]) -> Episode:
    """An engine or a store often goes away about when a village is lost, or is back."""
    edges = [edge for other in others if other.kind in ("cut", "dark") for edge in (other.start, other.end)]
    if each.kind not in ("engine", "store") or not edges or chance.random() > COINCIDES:
        return each
    begins = chance.choice(edges) + chance.randint(-40, 40) * SECOND
    return replace(each, start=begins, end=begins + each.end - each.start)


def _restless(chance: random.Random, start: int) -> Iterator[Episode]:
    """A signal that fails again and again: what is told of it flaps."""
    device, signal = chance.choice(FAILURES)
    begins = start + WELL + chance.randint(0, HOUR // SECOND) * SECOND
    for _ in range(chance.randint(4, 7)):
        ends = begins + chance.randint(380, 460) * SECOND
        yield Episode("fails", begins, ends, device, signal)
        begins = ends + chance.randint(180, 400) * SECOND
