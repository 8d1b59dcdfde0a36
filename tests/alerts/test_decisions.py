"""Every decision about an alert, as tables: one line a case, one sentence why."""

from dataclasses import dataclass, field
from functools import partial

import pytest

from api.alert_records.alert import new_alert
from api.alerts.certainty import Facts, Moment, Sure, certainty
from api.alerts.decision import Amend, Clear, Decision, Hold, Raise
from api.alerts.device import ClockSaid
from api.alerts.gateway import Buffer
from api.alerts.kinds import Look
from api.alerts.kinds.clock_skew import clock_skew
from api.alerts.kinds.device_silent import Quiet, device_silent
from api.alerts.kinds.facility_failed import facility_failed
from api.alerts.kinds.gateway_buffer import gateway_buffer
from api.alerts.kinds.indicator_missed import indicator_missed
from api.alerts.kinds.no_evidence import no_evidence
from api.alerts.kinds.village_offline import village_offline
from api.alerts.link import Link
from siaga.model.alert_kinds import Kind
from siaga.model.clock import MINUTE
from siaga.timeline.judge import Span, State
from siaga.timeline.rolling import Trend
from siaga.timeline.span_algebra import FOREVER

NOW = 1_000 * MINUTE


def sure(muted: str | None = None, back_since: int | None = None, sure_from: int = 0) -> Sure:
    """What is known of a village: is it offline, does old data stream in, since when is it back."""
    facts = Facts(
        is_offline=muted == "village_offline",
        behind_until=5 if muted == "catching_up" else None,
        back_until=None if back_since is None else 5,
        back_since=back_since or 0,
        sure_from=sure_from,
    )
    return partial(certainty, facts, Moment(NOW, 0, 0))


GRACE, RECOVERY = 5 * MINUTE, 2 * MINUTE

MET, FAILED, UNKNOWN, REST = State.MET, State.FAILED, State.UNKNOWN, State.NOT_REQUIRED


def ago(minutes: float) -> int:
    return NOW - round(minutes * MINUTE)


def looked(open_since: float | None, steady: float = 0, muted: str | None = None) -> Look:
    """A look at an alert that began so many minutes ago; `None`: none is open."""
    return Look(NOW, sure(muted), None if open_since is None else ago(open_since), round(steady * MINUTE))


def history(*parts: tuple[float, State] | tuple[float, State, str] | tuple[float, State, str, bool]) -> list[Span]:
    """Spans from how many minutes ago each began."""
    starts = [ago(part[0]) for part in parts]
    spans = []
    for part, start, end in zip(parts, starts, [*starts[1:], FOREVER], strict=True):
        cause = part[2] if len(part) > 2 else ("gate_open" if part[1] is FAILED else None)
        spans.append(Span(start, end, part[1], cause, len(part) > 3 and part[3]))
    return spans


@dataclass
class Case:
    """What is known, and the reason that has to come of it."""

    id: str
    spans: list[Span]
    reason: str
    open_since: int | None = None
    muted: str | None = None
    back_since: int | None = None
    sure_from: int = 0
    began: int | None = None
    ended: int | None = None
    until: int | None = None
    cause: str | None = field(default=None)


FACILITY = [
    Case("met is no failure", history((60, MET)), "met"),
    Case("nothing is known of it yet", [], "not_judged"),
    Case("not heard of: nobody knows", history((60, UNKNOWN, "village_offline")), "unknown"),
    Case("outside of its hours nobody minds", history((60, FAILED), (1, REST)), "not_required"),
    Case("failing within its grace", history((60, MET), (4, FAILED)), "in_grace", until=ago(-1) + 1),
    Case("exactly its grace is not longer", history((60, MET), (5, FAILED)), "in_grace", until=NOW + 1),
    Case("longer than its grace", history((60, MET), (5.001, FAILED)), "failed_longer_than_grace", began=ago(5.001)),
    Case(
        "the cause changes, the failure lasts",
        history((60, MET), (6, FAILED, "wifi_up"), (1, FAILED, "internet")),
        "failed_longer_than_grace",
        began=ago(6),
        cause="internet",
    ),
    Case(
        "excused time breaks a failure",
        history((60, FAILED), (8, FAILED, "gate_open", True), (4, FAILED)),
        "in_grace",
        until=ago(-1) + 1,
    ),
    Case("what is excused now is not told", history((60, FAILED), (8, FAILED, "gate_open", True)), "excused"),
    Case("a moment of unknown breaks a failure", history((60, FAILED), (3, UNKNOWN), (2, FAILED)), "in_grace"),
    Case("already over at now", history((60, FAILED), (1, MET)), "met"),
    Case("the village is offline", history((60, FAILED)), "village_offline", muted="village_offline"),
    Case("old data streams in", history((60, FAILED)), "catching_up", muted="catching_up"),
    Case(
        "silence waits for a gateway that came back",
        history((60, MET), (6, FAILED, "device_silent")),
        "catching_up",
        back_since=ago(7),
    ),
    Case(
        "what failed before a gateway came back waits for it: it may be over",
        history((60, FAILED)),
        "catching_up",
        back_since=ago(1),
    ),
    Case(
        "what a signal says of now does not wait for it",
        history((60, MET), (6, FAILED)),
        "failed_longer_than_grace",
        back_since=ago(6),
        began=ago(6),
    ),
    Case(
        "before that moment the spans are not sure",
        history((60, FAILED)),
        "in_grace",
        sure_from=ago(3),
        until=ago(-2) + 1,
    ),
    Case("open and still failing", history((60, MET), (9, FAILED)), "still_failed", open_since=ago(9)),
    Case(
        "open: late data showed an earlier start",
        history((90, MET), (60, FAILED)),
        "began_earlier",
        open_since=ago(9),
        began=ago(60),
    ),
    Case(
        "open, met, not for long enough",
        history((60, FAILED), (1, MET)),
        "recovering",
        open_since=ago(60),
        until=ago(-1),
    ),
    Case(
        "open, met for exactly its recovery",
        history((60, FAILED), (2, MET)),
        "met_for_recovery",
        open_since=ago(60),
        ended=ago(2),
    ),
    Case(
        "open, met and failed again too soon",
        history((60, FAILED), (3, MET), (2, FAILED)),
        "still_failed",
        open_since=ago(60),
    ),
    Case(
        "open: late data showed that it had recovered in between",
        history((60, FAILED), (30, MET), (9, FAILED)),
        "met_for_recovery",
        open_since=ago(60),
        ended=ago(30),
    ),
    Case("open, nobody knows now", history((60, FAILED), (9, UNKNOWN)), "unknown", open_since=ago(60)),
    Case("open, and sunrise repairs no lamp", history((60, FAILED), (9, REST)), "not_required", open_since=ago(60)),
    Case("open, excused now", history((60, FAILED), (9, FAILED, "gate_open", True)), "excused", open_since=ago(60)),
    Case(
        "open: it may clear while the village is offline",
        history((60, FAILED), (9, MET)),
        "met_for_recovery",
        open_since=ago(60),
        muted="village_offline",
        ended=ago(9),
    ),
    Case(
        "open: met before it began does not count",
        history((60, MET), (9, FAILED)),
        "still_failed",
        open_since=ago(9),
    ),
]


@pytest.mark.parametrize("case", FACILITY, ids=lambda case: case.id)
def test_facility_failed(case: Case) -> None:
    look = Look(NOW, sure(case.muted, case.back_since, case.sure_from), case.open_since)
    decision = facility_failed(case.spans, look, grace=GRACE, recovery=RECOVERY)
    assert decision.reason == case.reason
    match decision:
        case Raise():
            assert decision.began_at == case.began
            assert decision.cause == (case.cause or "gate_open")
        case Amend():
            assert decision.began_at == case.began
        case Clear():
            assert decision.ended_at == case.ended
        case Hold() if case.until is not None:
            assert decision.until == case.until


EVERY = MINUTE
ALLOWED = 13  # minutes: three intervals and ten


@dataclass
class Silence:
    """Minutes ago: the last reading (None: never), when it was first expected, when its gateway began to be heard."""

    id: str
    reported: float | None
    heard_from: float | None
    reason: str
    watched: float = 600
    open_since: float | None = None
    spoke: float | None = None
    muted: str | None = None
    began: float | None = None
    ended: float | None = None
    until: float | None = None
    heard_before: bool = False
    steady: float = 0


SILENCE = [
    Silence("it reports", 1, 600, "reports", until=-12),
    Silence("a millisecond before it is too long", ALLOWED - 1 / 60_000, 600, "reports"),
    Silence("too long", ALLOWED, 600, "stopped_reporting", began=ALLOWED),
    Silence("long ago", 500, 600, "stopped_reporting", began=500),
    Silence("its gateway is not heard: nobody can know", 500, None, "gateway_not_heard"),
    Silence("its gateway is heard for the first time: the rule as it stands", 500, 0, "stopped_reporting", began=500),
    Silence("its gateway is heard again: three intervals to report", 500, 2, "reports", until=-1, heard_before=True),
    Silence(
        "three intervals after its gateway is heard again", 500, 3, "stopped_reporting", began=500, heard_before=True
    ),
    Silence(
        "its gateway has a short gap, the device is within its time", 11, 2, "reports", until=-2, heard_before=True
    ),
    Silence("never reported, and not for long", None, 600, "reports", watched=5, until=-8),
    Silence("never reported since it is expected to", None, 600, "never_reported", watched=ALLOWED, began=ALLOWED),
    Silence("never reported, its gateway heard for the first time", None, 5, "never_reported", began=600),
    Silence("never reported, its gateway heard again", None, 2, "reports", until=-1, heard_before=True),
    Silence("the village is offline", 500, 600, "village_offline", muted="village_offline"),
    Silence("old data streams in", 500, 600, "catching_up", muted="catching_up"),
    Silence("open and silent", 500, 600, "still_silent", open_since=500),
    Silence("open and it reports", 0, 600, "reported", open_since=500, spoke=0.5, ended=0.5),
    Silence("open: it had reported, but too long ago", 20, 600, "still_silent", open_since=500, spoke=20),
    Silence("open, it reports, its gateway is not heard", 0, None, "reported", open_since=500, spoke=0, ended=0),
    Silence(
        "open: it reports while the village is offline",
        0,
        None,
        "reported",
        open_since=500,
        spoke=0,
        ended=0,
        muted="village_offline",
    ),
    Silence("open, never reported, then it does", 0, 600, "reported", open_since=13, spoke=0, ended=0),
    Silence("flapping: not for long enough", 0, 600, "recovering", open_since=500, spoke=20, steady=30, until=-10),
    Silence(
        "flapping: it may be silent before that", 5, 600, "recovering", open_since=500, spoke=6, steady=30, until=-8
    ),
    Silence("flapping: it has reported for long", 0, 600, "reported", open_since=500, spoke=30, steady=30, ended=30),
]


@pytest.mark.parametrize("case", SILENCE, ids=lambda case: case.id)
def test_device_silent(case: Silence) -> None:
    def at(minutes: float | None) -> int | None:
        return None if minutes is None else ago(minutes)

    quiet = Quiet(
        at(case.reported),
        ago(case.watched),
        at(case.heard_from),
        EVERY,
        case.heard_before,
        came_since=at(case.spoke),
    )
    decision = device_silent(quiet, looked(case.open_since, case.steady, case.muted))
    assert decision.reason == case.reason
    match decision:
        case Raise():
            assert decision.began_at == at(case.began)
            assert decision.cause == "device_silent"
        case Clear():
            assert decision.ended_at == at(case.ended)
        case Hold() if case.until is not None:
            assert decision.until == at(case.until)


@dataclass
class Mute:
    """Minutes ago: the last evidence (None: never), the last reading, when its gateway began to be heard."""

    id: str
    gave: float | None
    reported: float | None
    reason: str
    heard_from: float | None = 600
    watched: float = 600
    open_since: float | None = None
    gave_at: float | None = None
    muted: str | None = None
    began: float | None = None
    ended: float | None = None
    until: float | None = None
    heard_before: bool = False


MUTES = [
    Mute("it gives evidence", 1, 1, "may_give_evidence", until=-12),
    Mute("it speaks, and has given none for a while", 10, 0, "may_give_evidence", until=-3),
    Mute("it speaks, and has given none for too long", ALLOWED, 0, "gives_evidence_no_more", began=ALLOWED),
    Mute("it last spoke almost three intervals ago", 20, 2.9, "gives_evidence_no_more", began=20),
    Mute("it is silent: that is another alert", 20, 3, "not_heard"),
    Mute("what it said last was evidence", 20, 20, "not_heard"),
    Mute("never gave any, and speaks", None, 0, "never_gave_evidence", began=600),
    Mute("never gave any, and has spoken for a short while", None, 0, "may_give_evidence", watched=5, until=-8),
    Mute("never said anything", None, None, "not_heard"),
    Mute("its gateway is not heard", 500, 0, "gateway_not_heard", heard_from=None),
    Mute("its gateway is heard again", 500, 0, "may_give_evidence", heard_from=2, until=-1, heard_before=True),
    Mute("old data streams in", 500, 0, "catching_up", muted="catching_up"),
    Mute("open, and nothing of use comes", 500, 0, "still_silent", open_since=500),
    Mute("open, and it is silent", 500, 100, "still_silent", open_since=500),
    Mute("open, and it gives evidence", 0, 0, "reported", open_since=500, gave_at=0.5, ended=0.5),
    Mute("open, and it gave some too long ago", 20, 0, "still_silent", open_since=500, gave_at=20),
]


@pytest.mark.parametrize("case", MUTES, ids=lambda case: case.id)
def test_no_evidence(case: Mute) -> None:
    def at(minutes: float | None) -> int | None:
        return None if minutes is None else ago(minutes)

    given = Quiet(
        at(case.gave),
        ago(case.watched),
        at(case.heard_from),
        EVERY,
        case.heard_before,
        came_since=at(case.gave_at),
    )
    decision = no_evidence(given, at(case.reported), looked(case.open_since, muted=case.muted))
    assert decision.reason == case.reason
    match decision:
        case Raise():
            assert (decision.began_at, decision.cause) == (at(case.began), "no_evidence")
        case Clear():
            assert decision.ended_at == at(case.ended)
        case Hold() if case.until is not None:
            assert decision.until == at(case.until)


LINKS = [
    # id, minutes quiet, last arrival, listening since, open since, arrived, reason, began or ended or until
    ("it arrives", 1, 1, 600, None, False, "arriving", -4),
    ("nothing for five minutes", 5, 5, 600, None, False, "nothing_arrived", 5),
    ("never heard, listening for a moment", 1, None, 1, None, False, "arriving", -4),
    ("never heard", 5, None, 5, None, False, "never_heard", 5),
    ("the centre itself does not listen", None, 60, 600, None, False, "not_listening", None),
    ("the centre was away: from when it listens again", 2, 60, 600, None, False, "arriving", -3),
    ("the centre was away, and still nothing", 5, 60, 600, None, False, "nothing_arrived", 60),
    ("open, and nothing arrives", 30, 30, 600, 30, False, "still_offline", None),
    ("open, and something arrives", 0, 0, 600, 30, True, "arrived", 0),
    ("open, something arrives, the clock was set back", 0, 90, 600, 30, True, "arrived", 30),
]


@pytest.mark.parametrize(
    ("quiet", "arrival", "listening", "open_since", "arrived", "reason", "when"),
    [case[1:] for case in LINKS],
    ids=[case[0] for case in LINKS],
)
def test_village_offline(
    quiet: float | None,
    arrival: float | None,
    listening: float,
    open_since: float | None,
    arrived: bool,
    reason: str,
    when: float | None,
) -> None:
    quiet_from = 0 if quiet is None else -round(quiet * MINUTE)
    link = Link(village="v", listening_since=ago(listening), quiet_from=quiet_from)
    link.last_arrival = None if arrival is None else ago(arrival)
    if open_since is not None:
        link.lost(new_alert(Kind.VILLAGE_OFFLINE, "v", facility=None, device=None, began_at=ago(open_since)), NOW)
    moment = Moment(NOW, 0, None if quiet is None else -1000 * MINUTE)
    decision = village_offline(link, moment, 5 * MINUTE, arrived=arrived)
    assert decision.reason == reason
    expected = None if when is None else ago(when)
    match decision:
        case Raise():
            assert decision.began_at == expected
        case Clear():
            assert decision.ended_at == expected
        case Hold():
            assert decision.until == expected


def when(decision: Decision) -> int | None:
    """The instant that a decision names."""
    match decision:
        case Raise() | Amend():
            return decision.began_at
        case Clear():
            return decision.ended_at
        case Hold():
            return decision.until


SHARES = [
    # id, below, since, until, open since, muted, steady, reason, began or ended or until
    ("on its target", False, 600, None, None, None, 0, "on_target", None),
    ("on its target, and failing", False, 600, -9, None, None, 0, "on_target", -9),
    ("below its target", True, 3, None, None, None, 0, "below_target", 3),
    ("below, the village is offline", True, 3, None, None, "village_offline", 0, "village_offline", None),
    ("below, old data streams in", True, 3, None, None, "catching_up", 0, "catching_up", -5 / MINUTE),
    ("open and below", True, 90, -40, 90, None, 0, "below", -40),
    ("open: late data showed an earlier crossing", True, 120, None, 90, None, 0, "began_earlier", 120),
    ("open and back", False, 1, None, 90, None, 0, "target_met_again", 1),
    ("open: late data showed that it was never below", False, 600, None, 90, None, 0, "target_met_again", 90),
    ("open and back while the village is offline", False, 1, None, 90, "village_offline", 0, "target_met_again", 1),
    ("flapping, back for a moment", False, 1, None, 90, None, 30, "recovering", -29),
    ("flapping, and soon below again", False, 1, -5, 90, None, 30, "recovering", -5),
    ("flapping, back for long", False, 30, None, 90, None, 30, "target_met_again", 30),
]


@pytest.mark.parametrize("row", SHARES, ids=[row[0] for row in SHARES])
def test_indicator_missed(
    row: tuple[str, bool, float, float | None, float | None, str | None, float, str, float],
) -> None:
    _, below, since, until, open_since, muted, steady, reason, moment = row
    share = Trend(below, ago(since), None if until is None else ago(until))
    decision = indicator_missed(share, looked(open_since, steady, muted), is_failing=True)
    assert (decision.reason, when(decision)) == (reason, None if moment is None else ago(moment))


BUFFERS = [
    # id, fill, since, open since, steady, reason, began or ended or until
    ("nothing was said", None, 0, None, 0, "not_said", None),
    ("room enough", 0.5, 60, None, 0, "has_room", None),
    ("exactly 80 % is not over it", 0.8, 60, None, 0, "has_room", None),
    ("over 80 %", 0.81, 2, None, 0, "nearly_full", 2),
    ("open and full", 0.9, 60, 60, 0, "still_full", None),
    ("open, room again", 0.8, 1, 60, 0, "has_room", 1),
    ("open before a restart, room when it is said again", 0.1, 90, 60, 0, "has_room", 60),
    ("flapping, room for a moment", 0.1, 1, 60, 30, "recovering", -29),
    ("flapping, room for long", 0.1, 30, 60, 30, "has_room", 30),
    ("nothing was said since a restart", None, 0, 60, 0, "not_said", None),
]


@pytest.mark.parametrize("row", BUFFERS, ids=[row[0] for row in BUFFERS])
def test_gateway_buffer(row: tuple[str, float | None, float, float | None, float, str, float]) -> None:
    _, fill, since, open_since, steady, reason, moment = row
    decision = gateway_buffer(Buffer(fill, ago(since)), looked(open_since, steady))
    assert (decision.reason, when(decision)) == (reason, None if moment is None else ago(moment))


CLOCKS = [
    # id, what was said (offset, since), open since, steady, reason, began or ended or until
    ("nothing was said", None, None, 0, "not_said", None),
    ("trusted", (None, 60), None, 0, "trusted", None),
    ("an hour slow", (-3_600_000, 7), None, 0, "not_trusted", 7),
    ("not trusted since a moment that is yet to come", (3_600_000, -7), None, 0, "not_trusted", 0),
    ("open and not trusted", (1, 7), 7, 0, "still_not_trusted", None),
    ("open, and right again", (None, 1), 7, 0, "trusted", 1),
    ("open, nothing was said since a restart", None, 7, 0, "not_said", None),
    ("flapping, right for a moment", (None, 1), 7, 30, "recovering", -29),
    ("flapping, right for long", (None, 30), 60, 30, "trusted", 30),
]


@pytest.mark.parametrize("row", CLOCKS, ids=[row[0] for row in CLOCKS])
def test_clock_skew(
    row: tuple[str, tuple[int | None, float] | None, float | None, float, str, float],
) -> None:
    _, said, open_since, steady, reason, moment = row
    clock = None if said is None else ClockSaid(said[0], ago(said[1]))
    decision = clock_skew(clock, looked(open_since, steady))
    assert (decision.reason, when(decision)) == (reason, None if moment is None else ago(moment))
