"""Taking over what the telemetry store answers about a village: its memory, its judged history, its first reports."""

from collections.abc import Callable, Mapping

import structlog
from sqlalchemy.exc import DBAPIError

from api.alerts.alert import Kind
from api.alerts.certainty import Moment
from api.alerts.facility import WatchedFacility
from api.alerts.links import Links
from api.alerts.live_judgement import KEPT
from api.alerts.looks import Looks
from api.alerts.memory import OVERLAP
from api.alerts.reader import RecentAnswer
from api.alerts.redate import redate
from api.alerts.spans import FOREVER
from api.alerts.tables import Tables
from api.alerts.village import WatchedVillage
from siaga.model.observation import TrackKey
from siaga.timeline.judge import judged_from

__all__ = ["Resync"]

log = structlog.get_logger(__name__)


class Resync:
    """Brings villages up to what the store says. `notice` is told of one that has something to ask the store for."""

    def __init__(self, looks: Looks, links: Links, tables: Tables, notice: Callable[[WatchedVillage], None]) -> None:
        self._looks, self._links, self._tables, self._notice = looks, links, tables, notice

    def go_on_without(self, village: WatchedVillage, moment: Moment) -> None:
        """Judge a village of which nothing was read from what arrives alone."""
        memory = village.memory
        # What nobody judged meanwhile is in the store alone: it is judged once that answers, maybe by another
        memory.missed_from = min(memory.missed_from, _resumes_from(village, self._first_spans(village)))
        village.history.mark(memory.missed_from, moment.now, moment.monotonic, now=True)
        self._notice(village)
        memory.wanted = True  # also where it was asked for with those that failed and may yet be answered
        memory.loaded = village.marked = True
        memory.unheard_before = moment.now
        village.judged_until = village.recent.start = moment.now
        village.sure_from = village.recent.covers
        self.look_at_all(village, moment, None)

    def take_recent(self, village: WatchedVillage, answer: RecentAnswer, moment: Moment) -> None:
        """Take over a village's memory as it was read."""
        recent = village.recent
        for key, time in answer.first.items():
            self.learn_first(village, key, time, moment)
        recent.absorb(answer.tracks, answer.request.start)
        newest = [at[0] for track in answer.tracks.values() if (at := track.at(moment.now)) is not None]
        village.newest = max([village.newest, *newest])
        for (device, signal), (time, _) in answer.latest.items():
            if device in village.devices:
                recent.note_report(device, signal, time, moment.now)
            else:
                village.gateway(device).last_alive = time
        memory = village.memory
        begin = memory.answered(moment.now)
        _recall_who_spoke(village)
        if not memory.loaded:
            memory.loaded = True
            begin = min(begin, _resumes_from(village, self._first_spans(village)))
            if village.judged_until is None:
                village.judged_until = moment.now  # what is older and not judged yet is in the snapshot
        village.marked = True
        history = village.history
        history.stale_first, village.first_known = False, True
        # What is marked and now covered by memory is judged from there
        begin = min([begin, *(max(start, recent.covers) for start, end in history.marked if end > recent.covers)])
        if begin < recent.covers:
            village.sure_from = recent.covers
            history.mark(begin, recent.covers, moment.monotonic, now=True)
            self._notice(village)
        elif not history.pending:
            self.settled(village, moment)  # of a village that is new there is nothing else to be judged
        self.look_at_all(village, moment, min(max(begin, recent.covers), moment.now))

    def look_at_all(self, village: WatchedVillage, moment: Moment, dirty_from: int | None) -> None:
        """Look at all subjects of a village; `dirty_from`: its facilities are judged again from there."""
        for facility in village.facilities.values():
            self._looks.look_at_facility(village, facility, moment, FOREVER if dirty_from is None else dirty_from)
        for subject in (*village.devices.values(), *village.gateways.values()):
            self._looks.look(subject, moment)
        self._links.look(village, moment)

    def learn_first(self, village: WatchedVillage, key: TrackKey, time: int, moment: Moment) -> bool:
        """Take note of a first report; where it is earlier than the one known, the time between is judged again.

        A signal takes part, and a facility is judged, from its first report on. So this bears on the stretch up to the
        one known before, however long nothing was reported in it, and on what memory covers of it. A village that is
        to be judged as a whole needs no mark.
        """
        recent = village.recent
        before = recent.first.get(key)
        if not recent.learn_first(key, time):
            return False
        self._looks.changes.first[village.village.code, key] = time
        if village.rejudge and not village.memory.loaded:
            return True
        village.history.mark(time, recent.covers if before is None else before, moment.monotonic)
        self._notice(village)
        owner = recent.facility_of(key[0])
        known = None if owner is None else village.facilities.get(owner.id)
        if known is not None:
            known.dirty_from = min(known.dirty_from, max(time, recent.covers))
            self._looks.deadlines.ask(known, moment.now)
        return True

    def refresh(
        self, village: WatchedVillage, facility: WatchedFacility, window: tuple[int, int], moment: Moment
    ) -> None:
        """Take over what was written: into the spans in memory, and into alerts."""
        code, recent = village.village.code, village.recent
        if not facility.spans or window[1] >= facility.spans[0].start:
            kept_from = min(recent.covers, moment.now - KEPT)
            facility.spans, facility.trend = self._tables.spans(code, facility.facility.id, kept_from - 1), None
        failed = facility.alerts.get(Kind.FACILITY_FAILED)
        spans = None if failed is None else self._tables.spans(code, facility.facility.id, failed.began_at)
        self._looks.decide_facility(village, facility, moment, spans)
        redate(self._tables, self._looks.changes, facility, moment.now)

    def settled(self, village: WatchedVillage, moment: Moment) -> None:
        """All history of a village is judged: failures count from where they began."""
        village.marked = True
        if village.sure_from:
            village.sure_from = 0
            for facility in village.facilities.values():
                facility.trend = None
            self.look_at_all(village, moment, None)

    def _first_spans(self, village: WatchedVillage) -> Mapping[str, int]:
        """Where the spans of the facilities begin, if that is asked; nothing where the database does not answer."""
        try:
            return self._tables.first_span(village.village.code) if village.rejudge else {}
        except DBAPIError as error:
            log.warning("the spans of before cannot be read, they stay", error=type(error).__name__)
            return {}


def _resumes_from(village: WatchedVillage, first_spans: Mapping[str, int]) -> int:
    """From when on what the database says of a village has to be judged again.

    `first_spans`: where the spans of each facility begin. One of which a device was taken may be judged from later on.
    """
    if village.judged_until is not None and not village.rejudge:
        return village.judged_until - OVERLAP
    begins = [
        judged_from(village.village, facility.facility, village.recent.evidence)
        for facility in village.facilities.values()
    ]
    begins += [first_spans.get(facility) for facility in village.rejudge]
    earliest = min((moment for moment in begins if moment is not None), default=FOREVER)
    resumed = FOREVER if village.judged_until is None else village.judged_until - OVERLAP
    village.rejudge.clear()
    return min(earliest, resumed)


def _recall_who_spoke(village: WatchedVillage) -> None:
    """Find what devices said that were called silent, or without evidence, and that nobody heard: that ends alerts."""
    recent = village.recent
    for name, device in village.devices.items():
        silent, mute = device.alerts.get(Kind.DEVICE_SILENT), device.alerts.get(Kind.NO_EVIDENCE)
        for time in () if silent is None else recent.reports_after(name, silent.began_at):
            device.note_report(time)
        for time in () if mute is None else recent.reports_after(name, mute.began_at, evidence=True):
            device.note_evidence(time)
