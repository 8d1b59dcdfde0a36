"""Two gateways hear the same: one lets repetitions wait, one does not. At each second the centre judges the same."""

import random
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from siaga.model.observation import Track, TrackKey
from siaga.model.signals import Value
from siaga.model.sites import Facility, Village
from siaga.timeline.judge import Evidence, Span, judge
from tests.gateway.places import CODE, MINUTE, NOW, device
from tests.gateway.yard import Yard

SECOND = 1000
EVERY = {"gerbang-1": MINUTE, "gerbang-2": 20 * SECOND, "ap-1": 30 * SECOND, "pos-1": MINUTE, "lampu-1": 2 * MINUTE}
PLACE = Village(
    CODE,
    "Contoh",
    -8.19,
    114.3,
    "Asia/Jakarta",
    (
        Facility(
            "gerbang", "gate", "Gerbang", (device("gerbang-1", "senml"), device("gerbang-2", "senml", every=20_000))
        ),
        Facility("wifi", "free_wifi", "Wi-Fi", (device("ap-1", "senml", every=30_000),)),
        Facility("jaga", "night_guard", "Jaga", (device("pos-1", "senml"),)),
        Facility("lampu", "office_lighting", "Lampu", (device("lampu-1", "senml", every=120_000),), schedule="24h"),
    ),
)
SIGNALS: dict[str, dict[str, list[Value]]] = {
    "gerbang-1": {"gate_open": [True, False], "rssi": [-60.0, -61.0, -62.0]},
    "gerbang-2": {"gate_open": [True, False]},
    "ap-1": {"wifi_up": [True, False], "internet": [True, False], "clients": [1, 2, 3, 4]},
    "pos-1": {"presence": [True, False], "battery": [80.0, 79.0]},
    "lampu-1": {"power": [0.5, 8.0, 8.1], "uptime": [1, 2, 3]},
}


class Impatient(Yard):
    """A gateway in which nothing waits for company."""

    def start(self) -> None:
        super().start()
        self.gateway._outbox._patience.wait = lambda *_, **__: 0  # type: ignore[method-assign]


class Life:
    """What the devices do, by chance: they report, change, fall silent, are lost, press a button, repeat a birth."""

    def __init__(self, chance: random.Random, yards: list[Yard]) -> None:
        self._chance, self._yards = chance, yards
        self._state = {name: {key: values[0] for key, values in of.items()} for name, of in SIGNALS.items()}
        self._due = {name: NOW + chance.randrange(every) for name, every in EVERY.items()}
        self._silent: dict[str, int] = {}

    def live(self, now: int) -> None:
        for name, every in EVERY.items():
            if self._chance.random() < SECOND / (3 * MINUTE):
                self._change(name, now)
            if self._chance.random() < SECOND / (10 * MINUTE):
                self._silent[name] = now + self._chance.choice([2, 3, 4, 8]) * every
            if self._due[name] <= now:
                self._due[name] += every
                if now >= self._silent.get(name, 0):
                    self._say(name, self._state[name], now)

    def _change(self, name: str, now: int) -> None:
        match self._chance.choice(["value", "value", "value", "event", "will", "birth", "late"]):
            case "value":
                signal = self._chance.choice(list(SIGNALS[name]))
                self._state[name][signal] = self._chance.choice(SIGNALS[name][signal])
                self._say(name, self._state[name], now)
            case "event" if name == "pos-1":
                self._say(name, {"checkin": 1}, now)
            case "will":
                self._publish(f"siaga/v1/{CODE}/{name}/status", "offline")
            case "birth":
                self._publish(f"siaga/v1/{CODE}/{name}/status", "online")
            case "late":
                self._say(name, self._state[name], now - self._chance.choice([5, 30, 100]) * SECOND)

    def _say(self, name: str, values: dict[str, Value], time: int) -> None:
        records = [
            f'{{"n":"{key}","{"vb" if isinstance(value, bool) else "v"}":{str(value).lower()},"t":{time / 1000}}}'
            for key, value in values.items()
        ]
        self._publish(f"siaga/v1/{CODE}/{name}/senml", f"[{','.join(records)}]")

    def _publish(self, topic: str, payload: str) -> None:
        for yard in self._yards:
            yard.say(topic, payload)


def judged(yard: Yard, now: int) -> list[list[Span]]:
    """Returns the spans of all facilities until now, by what has arrived."""
    values: dict[TrackKey, dict[int, Value]] = defaultdict(dict)
    for (_, name, signal, time), value in yard.centre.stored.items():
        values[name, signal][time] = value  # type: ignore[assignment]
    evidence = Evidence({key: Track.of(found) for key, found in values.items()})
    return [judge(PLACE, facility, evidence, (NOW, now + 1)) for facility in PLACE.facilities]


@pytest.fixture
def yards(tmp_path: Path) -> Iterator[list[Yard]]:
    with ExitStack() as stack:
        made = []
        for number, kind in enumerate((Yard, Impatient)):
            (tmp_path / str(number)).mkdir()
            made.append(kind(tmp_path / str(number), [PLACE]))
        yield made
        for yard in made:
            stack.enter_context(closing(yard.buffer._db))


@pytest.mark.parametrize("seed", range(3))
def test_every_second_the_centre_judges_the_same(yards: list[Yard], seed: int) -> None:
    chance = random.Random(seed)
    life = Life(chance, yards)
    for second in range(1500):
        now = NOW + second * SECOND
        life.live(now)
        if chance.random() < 1 / 400:
            for yard in yards:
                yard.kill()
                yard.start()
        for yard in yards:  # not for long: many batches in flight would slow the impatient one down
            yard.centre.acknowledging = second % 100 > 20
        for yard in yards:
            yard.after(1)
        patient, impatient = (judged(yard, now) for yard in yards)
        assert patient == impatient, f"second {second}"
    for yard in yards:
        yard.gateway.close()
        yard.turn()
    stored = [yard.centre.stored.keys() for yard in yards]
    assert stored[0] == stored[1]
    batches = [len(set(yard.centre.batches)) for yard in yards]
    assert batches[0] < 0.8 * batches[1]
