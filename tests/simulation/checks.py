"""What a run is held to: while things break, and when all is well again.

While they break: an alert that is raised is one that the evidence of that moment bears out, and no subject has two.
When all is well: what devices sent and gateways promised is stored, with its value and its time, and nothing else is;
every facility's spans are those of one judgement of all readings, and so is its availability; and every open alert is
one that must be, or may be, open.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from sqlalchemy import Row, select

from api.alerts.ledger import Ledger
from api.alerts.spans import FOREVER
from siaga.availability import measure
from siaga.batch import UnreadableBatch, decode_batch
from siaga.clock import HOUR, MINUTE, SECOND
from siaga.database import tables
from siaga.indicators import INDICATORS, terms
from siaga.observation import Reading, Track, TrackKey
from siaga.signals import Value
from siaga.sites import Facility, Village
from siaga.timeline import Evidence, Span, State, gateway_heard, judge, judged_from
from siaga.topics import GatewayTopic, parse_topic
from tests.simulation.system import JUMP, Key, System
from tests.timeline.brute_force import BruteForce

__all__ = ["Checks", "Violation"]

SILENT_MARGIN = 10 * MINUTE
OFTEN = 4
"""An alert that was raised so many times is held open for a while: it flaps."""
CLOCKS = 1 * SECOND
"""How far apart the centre's wall clock and its monotonic one may put a moment."""


class Violation(AssertionError):
    """Something that must never be, was."""


@dataclass
class Checks:
    """Follows a run."""

    system: System
    last_event: int = 0
    open: dict[tuple[str, str], str] = field(default_factory=dict)
    arrived: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    """When (true time) the engine took something from a village."""
    failures: list[str] = field(default_factory=list)
    raised: int = 0
    raises: dict[tuple[str, str], list[int]] = field(default_factory=lambda: defaultdict(list))
    _taken: dict[str, list[tuple[int, bytes]]] = field(default_factory=lambda: defaultdict(list))
    _known: dict[str, dict[TrackKey, dict[int, tuple[int, Value]]]] = field(default_factory=lambda: defaultdict(dict))
    """What the engine took, each with when it first did (the centre's wall time)."""

    def __post_init__(self) -> None:
        self.system.took, self.system.events = self.took, self.events

    # While things break

    def took(self, topic: str, payload: bytes) -> None:
        """Take note of what the engine takes in."""
        whose = parse_topic(topic)
        if isinstance(whose, GatewayTopic) and whose.channel == "batch":
            self.arrived[whose.village].append(self.system.kernel.time)
            self._taken[whose.village].append((self.system.centre_clock.now(), payload))
        elif isinstance(whose, GatewayTopic) and whose.channel == "status" and b"online" in payload:
            self.arrived[whose.village].append(self.system.kernel.time)

    def events(self) -> None:
        """Look at the alert events that have just been committed."""
        table = tables.alert_event
        with self.system.database.connect() as connection:
            rows = connection.execute(select(table).where(table.c.id > self.last_event).order_by(table.c.id)).all()
            alerts = {row.id: row for row in connection.execute(select(tables.alert)).all()}
        for row in rows:
            self.last_event = row.id
            alert = alerts[row.alert]
            subject = (alert.kind, alert.subject)
            self.system.kernel.note(row.type, f"{alert.kind} {alert.subject} {alert.cause}")
            if row.type == "raised":
                self.raised += 1
                self.raises[subject].append(alert.raised_at)
                if subject in self.open:
                    self.fail(f"a second {alert.kind} of {alert.subject} is open")
                self.open[subject] = alert.id
                self._check_raised(alert)
            elif row.type == "cleared" and self.open.pop(subject, None) != alert.id:
                self.fail(f"{alert.kind} of {alert.subject} cleared, and was not open")

    def fail(self, sentence: str) -> None:
        """Write down what must not be."""
        self.system.kernel.note("VIOLATION", sentence)
        self.failures.append(sentence)

    def _check_raised(self, alert: "Row[tuple[object, ...]]") -> None:
        """An alert is judged by what was known when it was raised: its commit may have had to wait."""
        place = next(place for place in self.system.places if place.village.code == alert.village)
        village, began, raised = place.village, alert.began_at, alert.raised_at
        if alert.kind == "village_offline":
            at = raised - self.system.centre_clock.offset
            since = at - village.offline_after + self._clocks_differ
            heard = [time for time in self.arrived[alert.village] if since < time < at - self._clocks_differ]
            if heard:
                self.fail(
                    f"{alert.village} is called offline, and something arrived {(at - heard[-1]) / 1000} s before"
                )
            return
        if alert.kind not in ("device_silent", "facility_failed"):
            return
        moments = {raised, raised + self._set_back}
        for evidence in (each for moment in sorted(moments) for each in self._evidences(alert.village, moment)):
            if alert.kind == "device_silent":
                if _is_silent(village, alert.device, evidence, began, raised, self._clocks_differ):
                    return
            elif _fails_since(village, alert.facility, evidence, began, raised):
                return
        self.fail(f"{alert.kind} of {alert.subject} since {self._clock(began)}: no evidence says so")

    @property
    def _clocks_differ(self) -> int:
        """How far apart the clocks of the centre and of a device may have put a moment."""
        options = self.system.options
        return CLOCKS + options.drift + (2 * JUMP if "centre_time" in options.faults else 0)

    @property
    def _set_back(self) -> int:
        """By how much a clock that was set back may call earlier what was raised than what it was raised by."""
        return 2 * JUMP if "centre_time" in self.system.options.faults else 0

    def _clock(self, time: int) -> str:
        return f"{(time - self.system.kernel.begin) / 1000:.3f} s"

    def _evidences(self, code: str, until: int) -> Iterable[Evidence]:
        """What the centre may have known then: all that the engine had taken, the store, or both."""
        self._read(code)
        taken = {
            key: {time: value for time, (at, value) in observations.items() if at <= until}
            for key, observations in self._known[code].items()
        }
        received = self.system.store.received
        stored = {
            key: {time: value for time, value in table.items() if received[code, key[0], time] <= until}
            for key, table in self.system.store.tables.get(code, {}).items()
        }
        both = {key: {**stored.get(key, {}), **taken.get(key, {})} for key in {**stored, **taken}}
        for observations in (both, taken, stored):
            yield _evidence(observations)

    def _read(self, code: str) -> None:
        """Read the batches that the engine took since the last time."""
        village = next(each for each in self.system.villages if each.code == code)
        devices = {device.id for facility in village.facilities for device in facility.devices}
        known = self._known[code]
        for at, payload in self._taken.pop(code, []):
            try:
                batch = decode_batch(payload, code, self.system.centre_clock.now(), devices)
            except UnreadableBatch:
                self.fail("a gateway sent a batch that cannot be read")
                continue
            for point in batch.points:
                for signal, value in point.values.items():
                    known.setdefault((point.device, signal), {}).setdefault(point.time, (at, value))

    # When all is well again

    def promised(self) -> list[Key]:
        """The readings that siaga answers for by now."""
        records = self.system.records
        return [key for key in {**records.sent, **records.safe} if key not in records.excused]

    def missing(self, promised: Iterable[Key]) -> list[Key]:
        """Which of them are not stored."""
        tables_ = self.system.store.tables
        return [key for key in promised if key[3] not in tables_.get(key[0], {}).get((key[1], key[2]), {})]

    def healed(self, promised: list[Key]) -> None:
        """Look at everything, now that nothing is under way."""
        lost = self.missing(promised)
        if lost:
            self.fail(f"{len(lost)} readings are lost, such as {self._name(lost[0])}")
        self._check_stored()
        now = self.system.centre_clock.now()
        for village in self._told():
            if self._heard_what_was_lost(village.code):
                self.system.kernel.note("not compared", village.code)
                continue  # the engine judged it, and the store never had it
            evidence = self._truth(village.code)
            for facility in village.facilities:
                if facility.kind in INDICATORS:
                    self._check_timeline(village, facility, evidence, now)
            self._check_silence(village, evidence, now)
            if ("village_offline", village.code) in self.open:
                self.fail(f"{village.code} is heard, and its village_offline is open")

    def _heard_what_was_lost(self, code: str) -> bool:
        """Whether the engine heard of something that nobody had promised to keep, and that never was stored.

        A card took it, or a gateway without a disk was killed. What it could not know of is in the store.
        """
        self._read(code)
        records = self.system.records
        stored = self.system.store.tables.get(code, {})
        return any(
            time not in stored.get((device, signal), {})
            and ((key := (code, device, signal, time)) in records.excused or key not in records.safe)
            for (device, signal), observations in self._known[code].items()
            for time in observations
        )

    def _told(self) -> list[Village]:
        return [replace(village, told=self.system.kernel.begin) for village in self.system.villages]

    def _check_stored(self) -> None:
        records, tables_ = self.system.records, self.system.store.tables
        stored = {
            (code, device, signal, time): value
            for code, table in tables_.items()
            for (device, signal), observations in table.items()
            for time, value in observations.items()
        }
        wrong = [key for key, value in {**records.safe, **records.sent}.items() if stored.get(key, value) != value]
        if wrong:
            self.fail(f"{len(wrong)} readings have another value, such as {self._name(wrong[0])}")
        beats = {place.village.code: place.gateway.beats for place in self.system.places}
        in_memory = "disk_full" in self.system.options.faults  # then a gateway sends what no disk has
        made_up = [
            key
            for key in stored
            if key not in records.sent
            and not (key[2] == "alive" and key[3] in beats[key[0]])
            and not (key[2] == "online" and (key in records.safe or in_memory))
        ]
        if made_up:
            self.fail(f"{len(made_up)} readings are stored that nobody sent, such as {self._name(made_up[0])}")

    def _name(self, key: Key) -> str:
        return f"{key[0]} {key[1]}/{key[2]} of {self._clock(key[3])}"

    def _truth(self, code: str) -> Evidence:
        """All readings, as devices sent them; what gateways said themselves, as it is stored."""
        truth: dict[TrackKey, dict[int, Value]] = defaultdict(dict)
        for (device, signal), observations in self.system.store.tables.get(code, {}).items():
            if signal in ("alive", "online"):
                truth[device, signal].update(observations)
        stored = self.system.store.tables.get(code, {})
        for key, value in self.system.records.sent.items():
            village, device, signal, time = key
            lost = key in self.system.records.excused and time not in stored.get((device, signal), {})
            if village == code and not lost:
                truth[device, signal][time] = value
        return _evidence(truth)

    def _check_timeline(self, village: Village, facility: Facility, evidence: Evidence, now: int) -> None:
        begins = judged_from(village, facility, evidence)
        if begins is None or begins > now:
            return
        expected = judge(village, facility, evidence, (begins, now + 1))
        spans = Ledger(self.system.database).spans(village.code, facility.id, -FOREVER)
        found = [replace(span, end=min(span.end, now + 1)) for span in spans if span.start <= now]
        if found != expected:
            at = next((n for n, pair in enumerate(zip(found, expected, strict=False)) if pair[0] != pair[1]), -1)
            self.fail(
                f"the timeline of {village.code}/{facility.id} says {self._said(found, at)}"
                f" where the truth is {self._said(expected, at)}"
            )
        elif measure(found, (begins, now)) != measure(expected, (begins, now)):
            self.fail(f"the availability of {village.code}/{facility.id} differs")
        self._check_by_brute_force(village, facility, evidence, expected)
        self._check_failed(village, facility, expected, now)

    def _said(self, spans: list[Span], at: int) -> str:
        if not 0 <= at < len(spans):
            return f"{len(spans)} spans"
        span = spans[at]
        return f"{span.state} ({span.cause}) from {self._clock(span.start)} to {self._clock(span.end)}"

    def _check_by_brute_force(
        self, village: Village, facility: Facility, evidence: Evidence, expected: list[Span]
    ) -> None:
        """The judge itself, at some instants, against the one that looks at every observation."""
        readings = [
            Reading(device, signal, time, value)
            for (device, signal), track in evidence.tracks.items()
            for time, value in zip(track.times, track.values, strict=True)
        ]
        slow = BruteForce(village, facility, readings)
        for span in self.system.kernel.chance.sample(expected, min(3, len(expected))):
            said = slow.at((span.start + span.end) // 2)
            if (said.state, said.cause) != (span.state, span.cause):
                self.fail(f"two judges differ on {facility.id}: {said} and {span}")

    def _check_failed(self, village: Village, facility: Facility, spans: list[Span], now: int) -> None:
        held_to = terms(facility)
        assert held_to is not None
        is_open = ("facility_failed", f"{village.code}/{facility.id}") in self.open
        fails_since = met_since = None
        for span in reversed(spans):
            if span.state is State.FAILED and not span.excused and met_since is None:
                fails_since = span.start
            elif span.state is State.MET and fails_since is None:
                met_since = span.start
            else:
                break
        if fails_since is not None and now - fails_since > held_to.grace + 2 * MINUTE and not is_open:
            self.fail(f"{village.code}/{facility.id} fails since {self._clock(fails_since)}, and no alert is open")
        if met_since is not None and now - met_since > held_to.recovery + 2 * MINUTE and is_open:
            if self._flaps("facility_failed", f"{village.code}/{facility.id}", now):
                return
            self.fail(f"{village.code}/{facility.id} is met since {self._clock(met_since)}, and its alert is open")

    def _flaps(self, kind: str, subject: str, now: int) -> bool:
        """Whether an alert may be held open because it came four times in an hour."""
        return len([at for at in self.raises[kind, subject] if at > now - 2 * HOUR]) >= OFTEN

    def _check_silence(self, village: Village, evidence: Evidence, now: int) -> None:
        heard = gateway_heard(village, evidence, (now - 3600 * SECOND, now))
        heard_from = heard[-1][0] if heard and heard[-1][1] >= now else now
        for facility in village.facilities:
            for device in facility.devices:
                is_open = ("device_silent", f"{village.code}/{device.id}") in self.open
                last = _last_report(evidence, device.id, now)
                allowed = 3 * device.every + SILENT_MARGIN
                must = last is not None and max(last + allowed, heard_from + 3 * device.every) + 2 * MINUTE < now
                if must and not is_open:
                    self.fail(f"{village.code}/{device.id} is silent since {self._clock(last or 0)}, without an alert")
                flaps = self._flaps("device_silent", f"{village.code}/{device.id}", now)
                if last is not None and now - last < allowed - MINUTE and is_open and not flaps:
                    self.fail(f"{village.code}/{device.id} reports, and its device_silent is open")


def _evidence(observations: Mapping[TrackKey, Mapping[int, Value]]) -> Evidence:
    return Evidence({key: Track.of(values) for key, values in observations.items() if values})


def _fails_since(village: Village, facility_id: str, evidence: Evidence, began: int, now: int) -> bool:
    facility = next(each for each in village.facilities if each.id == facility_id)
    held_to = terms(facility)
    spans = judge(village, facility, evidence, (began, now + 1))
    return (
        held_to is not None
        and now - began > held_to.grace
        and all(span.state is State.FAILED and not span.excused for span in spans)
    )


def _last_report(evidence: Evidence, device: str, now: int) -> int | None:
    times = [
        before[0]
        for (whose, signal), track in evidence.tracks.items()
        if whose == device and signal != "online" and (before := track.at(now)) is not None
    ]
    return max(times, default=None)


def _is_silent(village: Village, device_id: str, evidence: Evidence, began: int, now: int, clocks: int) -> bool:
    """Whether a device is silent since `began`; its own clock may be ahead, so that what it said last is later."""
    found = village.device(device_id)
    assert found is not None
    last = _last_report(evidence, device_id, now)
    heard = gateway_heard(village, evidence, (now, now + 1))
    said_since = last is not None and last > began + clocks
    return bool(heard) and not said_since and now - began >= 3 * found[1].every + SILENT_MARGIN
