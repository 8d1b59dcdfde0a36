"""Is a device silent? A table of what monitoring gets wrong: keep-alives, silence of the gateway, late data, clocks.

Each line is a story in minutes of the village's time: what is heard when, and whether the device is called silent at
the end. The device is to report every minute, so it is silent after 13 without a report; its gateway beats every half
minute. What a line does not say of the gateway: it is heard all the time.
"""

from dataclasses import dataclass, field

import pytest

from api.alerts.certainty import Moment
from api.alerts.subject import Subject
from api.alerts.village import WatchedVillage
from api.engine.villages import Deadlines
from siaga.model.alert_kinds import Kind
from siaga.model.clock import MINUTE, SECOND
from tests.alerts.world import NOON, gate, village

DEVICE = "gerbang-1"


@dataclass(frozen=True)
class Line:
    """`says`: (minute, signal) that arrive at once; `late`: (arrives at, minute, signal); `beats`: when the gateway is
    heard, from and to; `jumps`: (minute, by how many minutes the centre's clock is set); `offline`: when the alert of
    the village is open; `asked`: the minute of the question."""

    id: str
    silent: bool
    asked: float
    says: tuple[tuple[float, str], ...] = ()
    late: tuple[tuple[float, float, str], ...] = ()
    beats: tuple[tuple[float, float], ...] = ((0, 1000),)
    jumps: tuple[tuple[float, float], ...] = ()
    began: float | None = field(default=None)


def every_minute(signal: str, first: float, last: float) -> tuple[tuple[float, str], ...]:
    return tuple((first + n, signal) for n in range(round(last - first) + 1))


OPEN, ONLINE, BATTERY = "gate_open", "online", "battery"

TABLE = [
    # It reports
    Line("it reports all the time", False, 60, every_minute(OPEN, 0, 60)),
    Line("it has missed two reports", False, 62.9, every_minute(OPEN, 0, 60)),
    Line("a second before it is too long", False, 72.98, every_minute(OPEN, 0, 60)),
    Line("it has not reported for too long", True, 73, every_minute(OPEN, 0, 60), began=60),
    Line("one report in between begins it anew", False, 84.9, (*every_minute(OPEN, 0, 60), (72, OPEN))),
    Line("and ends it after another silence", True, 85, (*every_minute(OPEN, 0, 60), (72, OPEN)), began=72),
    Line("a signal that bears on no indicator is a report", False, 90, every_minute(BATTERY, 0, 90)),
    Line("it sends something else now", False, 90, (*every_minute(OPEN, 0, 50), *every_minute(BATTERY, 51, 90))),
    # Keep-alives: the session stands, the sensor does not send
    Line("its session stands, it sends nothing", True, 74, (*every_minute(OPEN, 0, 60), *every_minute(ONLINE, 61, 74)),
         began=60),
    Line("it never says anything but online", False, 60, every_minute(ONLINE, 0, 60)),
    Line("it never says anything but online, and stops", True, 73, every_minute(ONLINE, 0, 60), began=60),
    Line("it once said more than online", True, 60, ((0, OPEN), *every_minute(ONLINE, 1, 60)), began=0),
    # Never seen
    Line("never seen, not expected for long", False, 12.9),
    Line("never seen since it is expected", True, 13, began=0),
    Line("never seen, then it reports", False, 20, ((15, OPEN), (19, OPEN))),
    Line("never seen, its gateway is heard for the first time", True, 30, beats=((30, 1000),), began=0),
    Line("never seen, its gateway is not heard either", False, 300, beats=()),
    # The gateway
    Line("its gateway falls silent with it", False, 120, every_minute(OPEN, 0, 60), beats=((0, 60),)),
    Line("its gateway is back for a moment", False, 122.9, every_minute(OPEN, 0, 60), beats=((0, 60), (120, 1000))),
    Line("its gateway is back for three of its reports", True, 123, every_minute(OPEN, 0, 60),
         beats=((0, 60), (120, 1000)), began=60),
    Line("its gateway is back, and so is it", False, 150, (*every_minute(OPEN, 0, 60), *every_minute(OPEN, 122, 150)),
         beats=((0, 60), (120, 1000))),
    Line("its gateway is away for less than its heartbeats hold", True, 73, every_minute(OPEN, 0, 60),
         beats=((0, 65), (66.4, 1000)), began=60),
    Line("its gateway comes and goes and it gets three reports' time each time", False, 132,
         every_minute(OPEN, 0, 60), beats=((0, 60), (120, 121), (130, 1000))),
    Line("its gateway speaks of old reports of it when it is heard first", True, 60.5, late=((60, 10, OPEN),),
         beats=((60, 1000),), began=10),
    # Late data
    Line("what was buffered shows that it had reported", False, 130, every_minute(OPEN, 0, 60),
         late=tuple((120.0, minute, OPEN) for minute in range(61, 121)), beats=((0, 60), (120, 1000))),
    Line("what was buffered ends long ago", True, 130, every_minute(OPEN, 0, 60),
         late=tuple((120.0, minute, OPEN) for minute in range(61, 80)), beats=((0, 60), (120, 1000)), began=79),
    Line("an old report that comes late is no new one", True, 74, every_minute(OPEN, 0, 60), late=((70, 30, OPEN),),
         began=60),
    Line("one that comes late clears what was raised", False, 75, every_minute(OPEN, 0, 60), late=((74, 70, OPEN),)),
    # Clocks
    Line("a report of a clock that is ahead is one of now", False, 73.9, every_minute(OPEN, 0, 60),
         late=((61, 600, OPEN),)),
    Line("and not until its own time", True, 74, every_minute(OPEN, 0, 60), late=((61, 600, OPEN),), began=61),
    Line("the centre's clock was behind and is set", False, 75, every_minute(OPEN, 0, 75), jumps=((70, 0.2),)),
    Line("the centre's clock is set ahead, the gateway's is not", False, 71, every_minute(OPEN, 0, 71),
         jumps=((70, 60),)),
    Line("the centre's clock is set back", False, 71, every_minute(OPEN, 0, 71), jumps=((70, -60),)),
]  # fmt: skip


class Post:
    """The live side alone, with what it hears in order of arrival."""

    def __init__(self) -> None:
        self.jumped = 0.0
        place = village(gate())
        self.village = WatchedVillage.new(place, NOON, 0, {})
        self.village.recall.restore(None, 0, None, is_read=True)
        self.village.recent.begin(NOON - 1000 * MINUTE)
        self.deadlines = Deadlines()

    def hear(self, arrives: float, minute: float, source: str, signal: str) -> None:
        now, time = self.at(arrives).now, NOON + round(minute * MINUTE)
        recent, device = self.village.recent, self.village.devices.get(source)
        if device is not None and recent.note_report(source, signal, time, now):
            device.note(Kind.DEVICE_SILENT, min(time, now))
        recent.insert((source, signal), time, True, now)
        recent.learn_first((source, signal), time)
        self.look(arrives)

    def at(self, minute: float) -> Moment:
        passed = round(minute * MINUTE)
        return Moment(NOON + passed + round(self.jumped * MINUTE), passed, 0)

    def look(self, minute: float) -> None:
        for subject, time in self.village.look(self.village.devices[DEVICE], self.at(minute)).deadlines:
            assert isinstance(subject, Subject)
            self.deadlines.ask(subject, time)


@pytest.mark.parametrize("line", TABLE, ids=[line.id for line in TABLE])
def test_silence(line: Line) -> None:
    post = Post()
    heard = [(minute, minute, DEVICE, signal) for minute, signal in line.says]
    heard += [(arrives, minute, DEVICE, signal) for arrives, minute, signal in line.late]
    heard += [(n / 2, n / 2, "gw", "alive") for n in range(2000) if any(a <= n / 2 <= b for a, b in line.beats)]
    jumps = list(line.jumps)
    for arrives, minute, source, signal in sorted(heard, key=lambda one: (one[0], one[2] == "gw", one[1])):
        if arrives > line.asked:
            break
        if jumps and arrives >= jumps[0][0]:
            post.jumped += jumps.pop(0)[1]
        post.hear(arrives, minute, source, signal)
    post.look(line.asked)
    alert = post.village.devices[DEVICE].alerts.get(Kind.DEVICE_SILENT)
    assert (alert is not None) is line.silent
    if alert is not None and line.began is not None:
        assert (alert.began_at - NOON) / MINUTE == line.began


def test_deadlines_alone_find_the_moment_at_which_it_becomes_silent() -> None:
    post = Post()
    for n in range(10):
        post.hear(n / 2, n / 2, "gw", "alive")
    post.hear(5, 5, DEVICE, OPEN)
    for n in range(10, 60):
        post.village.recent.insert(("gw", "alive"), NOON + n * 30 * SECOND, True, NOON + n * 30 * SECOND)
    looked = []
    for minutes in range(60 * 20):
        now = post.at(minutes / 60)
        for _ in post.deadlines.due(now.now):
            post.look(minutes / 60)
            looked.append(minutes / 60)
    assert looked == [13, 18]
    assert Kind.DEVICE_SILENT in post.village.devices[DEVICE].alerts
