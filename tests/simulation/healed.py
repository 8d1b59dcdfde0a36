"""What a run is held to when all is well again and nothing is under way any more.

What devices sent and gateways promised is stored, with its value and its time, and nothing else is; every facility's
spans, availability and days are those of one judgement of all readings; what was dark follows from all heartbeats; and
every open alert is one that must be, or
may be, open.
"""

from collections import defaultdict
from dataclasses import replace

from api.engine.tables import Tables
from siaga.database.dark import dark_stretches
from siaga.model.clock import MINUTE, SECOND
from siaga.model.indicators import INDICATORS, terms
from siaga.model.observation import Reading, Track, TrackKey
from siaga.model.signals import Value
from siaga.model.sites import Facility, Village
from siaga.timeline.judge import GATEWAY_HEARD, Evidence, PlannedWork, Span, State, gateway_heard, judge, judged_from
from siaga.timeline.rolling import trend
from siaga.timeline.span_algebra import FOREVER
from tests.simulation.answers import Answers
from tests.simulation.checks import SILENT_MARGIN, Checks, last_evidence, last_report
from tests.simulation.system import Key
from tests.timeline.brute_force import BruteForce, Instant

__all__ = ["Healed"]

TIME_TO_NOTICE = 2 * MINUTE
"""How long before the end of the run something has to be so for an alert to have followed it."""


class Healed:
    """Looks at everything; what must not be is written into the run's checks."""

    def __init__(self, checks: Checks, answers: Answers) -> None:
        self.checks, self.answers, self.system = checks, answers, checks.system
        self.fail, self.clock = checks.fail, checks.clock
        self.now = self.system.centre_clock.now()
        self.version = self.system.versions.now

    def look(self, promised: list[Key]) -> None:
        """Compare all that siaga says now with what is true."""
        lost = self.checks.missing(promised)
        if lost:
            self.fail(f"{len(lost)} readings are lost, such as {self._name(lost[0])}")
        if self.checks.knowledge.unreadable:
            self.fail("a gateway sent a batch that cannot be read")
        self._check_stored()
        for village in self._told():
            if self._heard_what_was_lost(village):
                self.system.kernel.note("not compared", village.code)
                continue  # the engine judged it, and the store never had it
            evidence = self._truth(village.code)
            for facility in village.facilities:
                if facility.kind in INDICATORS:
                    self._check_timeline(village, facility, evidence)
            self._check_dark(village, evidence)
            self._check_silence(village, evidence)
            self._check_evidence(village, evidence)
        for village in self.system.villages:
            if ("village_offline", village.code) in self.checks.open:
                self.fail(f"{village.code} is heard, and its village_offline is open")
        self._check_subjects()

    def _told(self) -> list[Village]:
        return [replace(place.village, told=place.told) for place in self.system.places]

    def _heard_what_was_lost(self, village: Village) -> bool:
        """Whether the engine heard of something that nobody had promised to keep, and that never was stored.

        A card took it, or a gateway without a disk was killed. What it could not know of is in the store. What was said
        by a device that the registry has no more bears on nothing.
        """
        records, code = self.system.records, village.code
        stored = self.system.store.tables.get(code, {})
        retired = self.system.versions.devices(code) - {d.id for each in village.facilities for d in each.devices}
        taken = self.checks.knowledge.taken(code, self.system.versions.devices(code))
        return any(
            time not in stored.get((device, signal), {})
            and ((key := (code, device, signal, time)) in records.excused or key not in records.safe)
            for (device, signal), times in taken.items()
            if device not in retired
            for time in times
        )

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
        return f"{key[0]} {key[1]}/{key[2]} of {self.clock(key[3])}"

    def _truth(self, code: str) -> Evidence:
        """All readings, as devices sent them; what gateways said themselves, as it is stored."""
        truth: dict[TrackKey, dict[int, Value]] = defaultdict(dict)
        stored = self.system.store.tables.get(code, {})
        for (device, signal), observations in stored.items():
            if signal in ("alive", "online"):
                truth[device, signal].update(observations)
        for key, value in self.system.records.sent.items():
            village, device, signal, time = key
            lost = key in self.system.records.excused and time not in stored.get((device, signal), {})
            if village == code and not lost:
                truth[device, signal][time] = value
        return Evidence({key: Track.of(values) for key, values in truth.items() if values})

    # Facilities

    def _check_timeline(self, village: Village, facility: Facility, evidence: Evidence) -> None:
        begins, now = judged_from(village, facility, evidence), self.now
        if begins is None or begins > now:
            return
        planned = self.version.planned(village, facility.id, now)
        expected = judge(village, facility, evidence, (begins, now + 1), planned)
        spans = Tables(self.system.database).spans(village.code, facility.id, -FOREVER)
        found = [span._replace(end=min(span.end, now + 1)) for span in spans if span.start <= now]
        if found != expected:
            at = next((n for n, pair in enumerate(zip(found, expected, strict=False)) if pair[0] != pair[1]), -1)
            self.fail(
                f"the timeline of {village.code}/{facility.id} says {self._said(found, at)}"
                f" where the truth is {self._said(expected, at)}"
            )
        else:
            for sentence in self.answers.differences(village, facility, expected):
                self.fail(sentence)
        self._check_by_brute_force(village, facility, evidence, expected, planned)
        self._check_failed(village, facility, expected)
        self._check_missed(village, facility, expected)

    def _check_dark(self, village: Village, evidence: Evidence) -> None:
        """Dark is what the heartbeats leave out, from the first one or an earlier `since` up to the newest one."""
        devices = {device.id for facility in village.facilities for device in facility.devices}
        tracks = [t for (source, signal), t in evidence.tracks.items() if signal == "alive" and source not in devices]
        beats = sorted({time for track in tracks for time in track.times})
        if not beats:
            return
        since = [
            judged_from(village, each, evidence)
            for each in village.facilities
            if each.since and each.kind in INDICATORS
        ]
        begins = min([beats[0], *(time for time in since if time is not None)])
        ends = [begins, *(time + GATEWAY_HEARD for time in beats[:-1])]
        expected = [(start, end) for start, end in zip(ends, beats, strict=True) if start < end]
        with self.system.database.connect() as connection:
            whole = (-FOREVER, FOREVER)
            found = list(dark_stretches(connection, whole, (village.code, village.code)).get(village.code, ()))
        if found != expected:
            self.fail(f"{village.code} is said to be dark {found} where the truth is {expected}")

    def _said(self, spans: list[Span], at: int) -> str:
        if not 0 <= at < len(spans):
            return f"{len(spans)} spans"
        span = spans[at]
        return f"{span.state} ({span.cause}) from {self.clock(span.start)} to {self.clock(span.end)}"

    def _check_by_brute_force(
        self,
        village: Village,
        facility: Facility,
        evidence: Evidence,
        expected: list[Span],
        planned: list[PlannedWork],
    ) -> None:
        """The judge itself, at some instants, against the one that looks at every observation."""
        readings = [
            Reading(device, signal, time, value)
            for (device, signal), track in evidence.tracks.items()
            for time, value in zip(track.times, track.values, strict=True)
        ]
        slow = BruteForce(village, facility, readings, planned)
        for span in self.system.kernel.chance.sample(expected, min(3, len(expected))):
            said = slow.at((span.start + span.end) // 2)
            if said != Instant(span.state, span.cause, span.excused, span.excused_later):
                self.fail(f"two judges differ on {facility.id}: {said} and {span}")

    def _failing(self, spans: list[Span]) -> tuple[int | None, int | None]:
        """Since when it fails, not excused, or is met, until now; the other, or both, are `None`."""
        fails_since = met_since = None
        for span in reversed(spans):
            if span.state is State.FAILED and not span.excused and met_since is None:
                fails_since = span.start
            elif span.state is State.MET and fails_since is None:
                met_since = span.start
            else:
                break
        return fails_since, met_since

    def _check_failed(self, village: Village, facility: Facility, spans: list[Span]) -> None:
        held_to, name = terms(facility), f"{village.code}/{facility.id}"
        assert held_to is not None
        is_open = ("facility_failed", name) in self.checks.open
        fails_since, met_since = self._failing(spans)
        late = self.now - TIME_TO_NOTICE
        is_due = (
            fails_since is not None and fails_since + held_to.grace < late and not self._waits_for_a_buffer(village)
        )
        if fails_since is not None and is_due and not is_open:
            self.fail(f"{name} fails since {self.clock(fails_since)}, and no alert is open")
        if (
            met_since is not None
            and met_since + held_to.recovery < late
            and is_open
            and not self.checks.flaps("facility_failed", name, self.now)
        ):
            self.fail(f"{name} is met since {self.clock(met_since)}, and its alert is open")

    def _waits_for_a_buffer(self, village: Village) -> bool:
        """Whether a buffer that came oldest first ended midway, as its card was lost: `offline_after` is waited."""
        engine = self.system.engine.engine
        watched = None if engine is None else engine.villages.get(village.code)
        monotonic = self.system.centre_clock.monotonic()
        return watched is not None and watched.link.behind_until(monotonic, village.offline_after) is not None

    def _check_missed(self, village: Village, facility: Facility, spans: list[Span]) -> None:
        """The share of the last 24 hours: told of while it is too low and the facility fails, over when back."""
        held_to, name = terms(facility), f"{village.code}/{facility.id}"
        assert held_to is not None
        share, (fails_since, _) = trend(spans, self.now, held_to.target), self._failing(spans)
        is_open, late = ("indicator_missed", name) in self.checks.open, self.now - TIME_TO_NOTICE
        is_due = share.below and fails_since is not None and max(share.since, fails_since) < late
        if is_due and not is_open and not self._waits_for_a_buffer(village):
            self.fail(f"{name} misses its target since {self.clock(share.since)}, and no alert is open")
        if (
            not share.below
            and share.since < late
            and is_open
            and not self.checks.flaps("indicator_missed", name, self.now)
        ):
            self.fail(f"{name} is back on its target since {self.clock(share.since)}, and its alert is open")

    # Devices

    def _check_silence(self, village: Village, evidence: Evidence) -> None:
        now = self.now
        longest = max(device.every for facility in village.facilities for device in facility.devices)
        heard = gateway_heard(village, evidence, (now - 4 * longest - 3600 * SECOND, now))
        heard_from = heard[-1][0] if heard and heard[-1][1] >= now else now
        for facility in village.facilities:
            for device in facility.devices:
                name = f"{village.code}/{device.id}"
                is_open = ("device_silent", name) in self.checks.open
                last = last_report(evidence, device.id, now)
                allowed = 3 * device.every + SILENT_MARGIN
                must = last is not None and max(last + allowed, heard_from + 3 * device.every) < now - TIME_TO_NOTICE
                if must and not is_open:
                    self.fail(f"{name} is silent since {self.clock(last or 0)}, without an alert")
                flaps = self.checks.flaps("device_silent", name, now)
                if last is not None and now - last < allowed - MINUTE and is_open and not flaps:
                    self.fail(f"{name} reports, and its device_silent is open")

    def _check_evidence(self, village: Village, evidence: Evidence) -> None:
        """Whoever speaks without evidence is told of, and nobody else."""
        now, ahead = self.now, self.now + self.checks.clocks_differ  # what a clock says that is ahead is of now
        for facility in village.facilities:
            for device in facility.devices if facility.kind != "power" else ():
                name, every = f"{village.code}/{device.id}", device.every
                is_open = ("no_evidence", name) in self.checks.open
                said = last_report(evidence, device.id, ahead)
                gave = last_evidence(evidence, facility, device.id, ahead)
                if said is None or gave is None:
                    continue
                speaks, allowed = now - said < 3 * every - TIME_TO_NOTICE, 3 * every + SILENT_MARGIN
                heard = gateway_heard(village, evidence, (now - 4 * every, now))
                steady = bool(heard) and heard[0][0] <= now - 4 * every and heard[-1][1] >= now
                if speaks and said > gave and steady and gave + allowed < now - TIME_TO_NOTICE and not is_open:
                    self.fail(f"{name} gives no evidence since {self.clock(gave)}, without an alert")
                flaps = self.checks.flaps("no_evidence", name, now)
                if now - gave < allowed - MINUTE and is_open and not flaps:
                    self.fail(f"{name} gives evidence, and its no_evidence is open")

    def _check_subjects(self) -> None:
        """Nothing is open of what the registry has no more."""
        known = {village.code for village in self.system.villages}
        for village in self.system.villages:
            known |= {f"{village.code}/{facility.id}" for facility in village.facilities}
            known |= {f"{village.code}/{device.id}" for each in village.facilities for device in each.devices}
            known.add(f"{village.code}/{village.gateway}")
        for kind, subject in self.checks.open:
            if subject not in known:
                self.fail(f"{kind} of {subject} is open, and the registry has no {subject}")
