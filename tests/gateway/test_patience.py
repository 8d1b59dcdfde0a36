"""Which readings wait for company: the truth table, and that the centre judges as if none had."""

from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.patience import LONGEST, MARGIN, METERS, MOST, AtOnce, Known, MayWait, Patience, Why, decide
from siaga.model.indicators import INDICATORS, evidence_signals
from siaga.model.observation import Reading
from siaga.model.signals import EVENTS, Value
from siaga.model.sites import Device
from tests.gateway.places import CODE, MINUTE, NOW, device

SECOND = 1000
GATE = device("gerbang-1", "senml")
OPEN = Known(value=True, time=NOW - MINUTE, sent=NOW - MINUTE)
"""The gate was open a minute ago, and the centre has that."""


def gate(value: bool = True, time: int = NOW) -> Reading:
    return Reading("gerbang-1", "gate_open", time, value)


@pytest.mark.parametrize(
    ("reading", "known", "of", "live", "why"),
    [
        pytest.param(gate(), OPEN, None, True, Why.NOT_OF_A_DEVICE, id="nobody knows how often it reports"),
        pytest.param(Reading("gw", "alive", NOW, True), OPEN, None, True, Why.NOT_OF_A_DEVICE, id="a heartbeat"),
        pytest.param(
            Reading("gerbang-1", "checkin", NOW, 1),
            Known(1, NOW - MINUTE, NOW - MINUTE),
            GATE,
            True,
            Why.EVENT,
            id="each event counts",
        ),
        pytest.param(
            Reading("gerbang-1", "heard", NOW, 1),
            Known(1, NOW - MINUTE, NOW - MINUTE),
            GATE,
            True,
            Why.EVENT,
            id="it spoke, and gave nothing",
        ),
        pytest.param(gate(), OPEN, GATE, False, Why.LATE, id="a broker kept it"),
        pytest.param(gate(time=NOW - MARGIN - 1), OPEN, GATE, True, Why.LATE, id="its device kept it"),
        pytest.param(gate(time=NOW + MARGIN + 1), OPEN, GATE, True, Why.LATE, id="its device's clock is ahead"),
        pytest.param(gate(), None, GATE, True, Why.FIRST, id="a facility is judged from its first reading"),
        pytest.param(
            gate(), Known(value=True, time=NOW - MINUTE, sent=None), GATE, True, Why.FIRST, id="it may not have arrived"
        ),
        pytest.param(gate(False), OPEN, GATE, True, Why.CHANGE, id="the gate was shut"),
        pytest.param(
            Reading("gerbang-1", "power", NOW, 2.1),
            Known(2.0, NOW - MINUTE, NOW - MINUTE),
            GATE,
            True,
            Why.CHANGE,
            id="a measurement may have crossed a limit that only the centre knows",
        ),
        pytest.param(
            gate(time=NOW - 5000), Known(value=True, time=NOW, sent=NOW), GATE, True, Why.NOT_NEWER, id="out of order"
        ),
        pytest.param(gate(), Known(value=True, time=NOW, sent=NOW), GATE, True, Why.NOT_NEWER, id="said twice"),
        pytest.param(
            gate(),
            Known(value=True, time=NOW - 180_000, sent=NOW - 180_000),
            GATE,
            True,
            Why.ENDS,
            id="the value had ended, so the device was silent",
        ),
        pytest.param(
            gate(),
            Known(value=True, time=NOW - 170_000, sent=NOW - 170_000),
            GATE,
            True,
            Why.ENDS,
            id="the value ends in ten seconds",
        ),
    ],
)
def test_what_is_sent_at_once(reading: Reading, known: Known | None, of: Device | None, live: bool, why: Why) -> None:
    assert decide(reading, known, of, NOW, live=live) == AtOnce(why)


@pytest.mark.parametrize(
    ("reading", "known", "every", "until"),
    [
        pytest.param(gate(), OPEN, MINUTE, NOW + 30 * SECOND, id="until the next heartbeat"),
        pytest.param(gate(), OPEN, 5 * MINUTE, NOW + 30 * SECOND, id="a slow device: until the next heartbeat"),
        pytest.param(
            gate(),
            Known(value=True, time=NOW - 20 * SECOND, sent=NOW - 20 * SECOND),
            20 * SECOND,
            NOW + 10 * SECOND,
            id="a quick device: half of its interval",
        ),
        pytest.param(
            gate(),
            Known(value=True, time=NOW - 150 * SECOND, sent=NOW - 150 * SECOND),
            MINUTE,
            NOW + 20 * SECOND,
            id="two reports were lost: ten seconds before the value ends",
        ),
        pytest.param(
            gate(),
            Known(value=True, time=NOW - 30 * SECOND, sent=NOW - 150 * SECOND),
            MINUTE,
            NOW + 20 * SECOND,
            id="one that waits itself does not prolong the value at the centre",
        ),
        pytest.param(
            gate(False),
            Known(value=False, time=NOW - MINUTE, sent=NOW - MINUTE),
            MINUTE,
            NOW + 30 * SECOND,
            id="shut, as it was",
        ),
        pytest.param(
            Reading("gerbang-1", "rssi", NOW, -61.0),
            Known(-60.0, NOW - MINUTE, NOW - MINUTE),
            MINUTE,
            NOW + 30 * SECOND,
            id="a meter moves all the time",
        ),
    ],
)
def test_what_waits(reading: Reading, known: Known, every: int, until: int) -> None:
    assert decide(reading, known, device("gerbang-1", "senml", every=every), NOW, live=True) == MayWait(until)


def test_meters_decide_no_indicator() -> None:
    assert not any(METERS & evidence_signals(kind) for kind in INDICATORS)
    assert "mains" not in METERS


# The village's readings together


@pytest.fixture
def patience() -> Patience:
    patience = Patience()
    patience.update({(CODE, "gerbang-1"): GATE})
    assert patience.wait(CODE, [gate()], NOW, live=True) == 0, "the first one"
    patience.sent(CODE)
    return patience


def test_one_that_is_news_takes_all_of_its_message_along(patience: Patience) -> None:
    both = [gate(time=NOW + MINUTE), Reading("gerbang-1", "mains", NOW + MINUTE, True)]
    assert patience.wait(CODE, both, NOW + MINUTE, live=True) == 0


def test_after_a_last_will_the_same_value_is_news(patience: Patience) -> None:
    will = Reading("gerbang-1", "online", NOW + 1000, False)
    assert patience.wait(CODE, [will], NOW + 1000, live=True) == 0
    assert patience.wait(CODE, [gate(time=NOW + 2000)], NOW + 2000, live=True) == 0


def test_a_last_will_that_is_repeated_waits(patience: Patience) -> None:
    for after, wait in ((1000, 0), (55_000, LONGEST), (109_000, LONGEST)):
        will = Reading("gerbang-1", "online", NOW + after, False)
        assert patience.wait(CODE, [will], NOW + after, live=True) == wait
        patience.sent(CODE)


def test_a_late_reading_is_not_what_the_centre_goes_by(patience: Patience) -> None:
    assert patience.wait(CODE, [gate(False, NOW - MINUTE)], NOW + 1000, live=True) == 0
    assert patience.wait(CODE, [gate(False, NOW + MINUTE)], NOW + MINUTE, live=True) == 0, "it was open meanwhile"


def test_a_late_reading_alone_does_not_say_what_the_centre_has() -> None:
    patience = Patience()
    patience.update({(CODE, "gerbang-1"): GATE})
    assert patience.wait(CODE, [gate(False, NOW - MINUTE)], NOW, live=False) == 0
    assert patience.wait(CODE, [gate(False)], NOW, live=True) == 0, "the process before this one may have sent another"
    assert patience.wait(CODE, [gate(False, NOW + MINUTE)], NOW + MINUTE, live=True) == LONGEST


def test_in_doubt_each_value_is_sent_once_more(patience: Patience) -> None:
    patience.doubt()
    assert patience.wait(CODE, [gate(time=NOW + MINUTE)], NOW + MINUTE, live=True) == 0
    assert patience.wait(CODE, [gate(time=NOW + 2 * MINUTE)], NOW + 2 * MINUTE, live=True) == LONGEST


def test_of_a_device_that_was_changed_nothing_is_certain(patience: Patience) -> None:
    patience.update({(CODE, "gerbang-1"): device("gerbang-1", "senml", every=10 * SECOND)})
    assert patience.wait(CODE, [gate(time=NOW + 10_000)], NOW + 10_000, live=True) == 0


def test_what_waits_has_a_bound(patience: Patience) -> None:
    patience.update({(CODE, "gerbang-1"): device("gerbang-1", "senml", every=10 * MINUTE)})
    patience.wait(CODE, [gate(time=NOW + 1)], NOW + 1, live=True)
    patience.sent(CODE)
    repetitions = [gate(time=NOW + 2 + number) for number in range(MOST + 1)]
    assert patience.wait(CODE, repetitions[:-1], NOW + MOST, live=True) > 0
    assert patience.wait(CODE, repetitions[-1:], NOW + MOST, live=True) == 0
    assert patience.give_up() == {CODE: repetitions[:-1]}
    assert patience.give_up() == {}


# The centre judges as if each had been sent at once


@dataclass
class Centre:
    """What the centre has at a time: with patience, and if nothing had waited."""

    validity: int
    readings: list[tuple[int, Reading]] = field(default_factory=list)
    """In the order of sending, each with the time of its arrival."""

    def state(self, signal: str, now: int, until: int) -> Value | None:
        """Returns the value that holds at `now`, by what arrived until then; `None`: unknown."""
        came = [reading for at, reading in self.readings if at <= until and reading.time <= now]
        will = max((each.time for each in came if each.signal == "online" and not each.value), default=0)
        if signal == "heard":
            times = [each.time for each in came if each.signal != "online"]
            return any(now - self.validity < time and time >= will for time in times)
        mine = {each.time: each.value for each in came if each.signal == signal}
        newest = max(mine, default=None)
        if newest is None or now >= newest + self.validity or (newest < will and signal != "online"):
            return None
        return mine[newest]


SIGNALS: dict[str, st.SearchStrategy[Value]] = {
    "gate_open": st.booleans(),
    "online": st.booleans(),
    "power": st.sampled_from([1.0, 2.0, 3.0]),
    "uptime": st.integers(0, 3),
}


@st.composite
def lives(draw: st.DrawFn) -> tuple[int, list[tuple[int, list[Reading], bool, bool]]]:
    """How often a device reports, and its messages: when each is received, and whether it is live, or in doubt."""
    every = draw(st.sampled_from([2, 10, 20, 60, 300])) * SECOND
    now, messages = NOW, []
    for _ in range(draw(st.integers(2, 14))):
        now += draw(st.one_of(st.sampled_from([every, every, every]), st.integers(0, 4 * every)))
        lag = draw(st.sampled_from([0, 0, 0, 0, -900, 2000, -7000, -9900, -every, 2 * MINUTE]))
        names = draw(st.lists(st.sampled_from(list(SIGNALS)), min_size=1, max_size=3, unique=True))
        readings = [Reading("gerbang-1", name, now + lag, draw(SIGNALS[name])) for name in names]
        live, doubt = draw(st.integers(0, 9)) > 0, draw(st.integers(0, 9)) == 0
        messages.append((now, readings, live, doubt))
    return every, messages


@given(lives())
def test_at_every_instant_the_centre_knows_the_same(
    life: tuple[int, list[tuple[int, list[Reading], bool, bool]]],
) -> None:
    every, messages = life
    patience = Patience()
    patience.update({(CODE, "gerbang-1"): device("gerbang-1", "senml", every=every)})
    at_once, patient = Centre(3 * every), Centre(3 * every)
    waiting: list[Reading] = []
    due: int | None = None

    def send(now: int) -> None:
        nonlocal due
        patient.readings += [(now, reading) for reading in waiting]
        waiting.clear()
        patience.sent(CODE)
        due = None

    for now, readings, live, doubt in messages:
        if due is not None and due <= now:
            send(due)
        if doubt:
            patience.doubt()
        at_once.readings += [(now, reading) for reading in readings]
        waiting += readings
        wait = patience.wait(CODE, readings, now, live=live)
        assert wait <= min(LONGEST, every // 2)
        if not wait:
            send(now)
        else:
            due = now + wait if due is None else min(due, now + wait)
    if due is not None:
        send(due)
    assert [reading for _, reading in patient.readings] == [reading for _, reading in at_once.readings]

    arrivals = {at for centre in (at_once, patient) for at, _ in centre.readings}
    ends = {reading.time + 3 * every for _, reading in at_once.readings}
    moments = sorted(
        arrivals | ends | {moment - 1 for moment in arrivals | ends} | {r.time for _, r in at_once.readings}
    )
    moments += [(before + after) // 2 for before, after in pairwise(moments)]
    for moment in moments:
        for ahead in (0, MARGIN - 1):  # the centre's clock may be ahead, or the link slow
            for signal in ("gate_open", "online", "power", "heard"):
                assert patient.state(signal, moment + ahead, moment) == at_once.state(signal, moment + ahead, moment)
    assert not EVENTS & SIGNALS.keys()
