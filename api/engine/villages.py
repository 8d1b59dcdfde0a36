"""All villages that the engine watches, and when each of their subjects is to be looked at.

Each verb of a village returns an outcome. Here outcomes are merged into what is to be committed, and the links that
several villages lose together are made one alert.
"""

import heapq
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import islice

from api.alert_records.alert import OpenAlert
from api.alerts.certainty import Moment
from api.alerts.outages import Outages
from api.alerts.outcome import Back, Changes, Outcome
from api.alerts.subject import Subject
from api.alerts.village import WatchedVillage
from api.engine.metrics import EngineMetrics
from api.engine.rebuilt import began_before
from api.engine.tables import Tables
from siaga.model.alert_kinds import Kind

__all__ = ["Deadlines", "Villages"]

MOST_LOOKS = 2_000
"""Looks in one tick: some hundredths of a second, or half a second after a start, when each judges some minutes. A
country has 1.7 million to make then."""


class Villages:
    """Villages by code.

    `pending`: what is to be committed. `deadlines`: who is to be looked at next. `asking`: the villages that have
    something to ask the telemetry store for.
    """

    def __init__(self, metrics: EngineMetrics) -> None:
        self.by_code: dict[str, WatchedVillage] = {}
        self.pending = Changes()
        self.deadlines = Deadlines()
        self.asking: dict[str, WatchedVillage] = {}
        self._outages = Outages()
        self._metrics = metrics

    def merge_all(self, verb: Callable[[WatchedVillage], Outcome], moment: Moment) -> None:
        """The same happens to each village."""
        for village in self.by_code.values():
            self.merge(village, verb(village), moment)

    def notice(self, village: WatchedVillage) -> None:
        """A village has something to ask the telemetry store for; the others are not looked at."""
        self.asking[village.code] = village

    def drop_idle(self) -> None:
        """Look no more at villages that have nothing to ask, or that were taken out of the registry."""
        self.asking = {
            code: village
            for code, village in self.asking.items()
            if self.by_code.get(code) is village and village.has_questions
        }

    def look(self, moment: Moment) -> None:
        """Look at whoever is due, at most at so many that messages do not wait. One that is watched no more is not."""
        for subject in islice(self.deadlines.due(moment.now), MOST_LOOKS):
            village = self.by_code.get(subject.village)
            if village is not None:
                self.merge(village, village.look(subject, moment), moment)

    def attach(self, alerts: Iterable[OpenAlert], moment: Moment) -> None:
        """These alerts are open in the database; no `village_offline` is among them. Those whose subject was taken out
        while no engine saw it are ended."""
        for alert in alerts:
            village = self.by_code.get(alert.village)
            if village is None or not village.attach(alert):
                self.pending.taken_out(alert, moment.now)

    def attach_outages(self, outages: Iterable[OpenAlert], registered: Collection[str], moment: Moment) -> None:
        """These `village_offline` are open in the database. A member that was taken out while no engine saw it leaves.

        `registered`: all villages of the registry, also those that other engines watch.
        """
        for alert in outages:
            known = [village for code in alert.members if (village := self.by_code.get(code)) is not None]
            self._outages.opened(alert, next((village.site.uplink for village in known), None))
            for code in alert.lost:
                village = self.by_code.get(code)
                if village is not None:
                    village.link.lost(alert, moment.now)
                elif code not in registered:
                    self._outages.back(code, Back(alert, moment.now, taken_out=True), moment.now, self.pending)

    def may_leave(self, village: WatchedVillage) -> bool:
        """Whether another engine can watch a village from now on: it has no part in an outage of several."""
        alert = village.link.alert or self._outages.named(village.code)
        return alert is None or len(alert.members) == 1

    def leave(self, village: WatchedVillage) -> None:
        """Another engine watches a village from now on, with its open alerts."""
        if village.link.alert is not None:
            self._outages.forget(village.link.alert)

    def note_raised(self, raised: Iterable[tuple[str, str, int]]) -> None:
        """These alerts, by kind and subject, were raised lately: who is raised too often flaps."""
        for kind, subject, at in raised:
            owner = self.by_code.get(subject.partition("/")[0])
            raises = self._outages.raises if kind == Kind.VILLAGE_OFFLINE or owner is None else owner.raises
            raises.note(kind, subject, at)

    def date_back(self, tables: Tables, moment: Moment) -> None:
        """Find when misses that are to be written began, where memory does not reach back far enough to tell.

        Raises:
            DBAPIError: the database is away.
        """
        for alert in self.pending.opened(Kind.INDICATOR_MISSED):
            village = self.by_code.get(alert.village)
            facility = None if village is None else village.facilities.get(alert.facility or "")
            if facility is not None and facility.alerts.get(alert.kind) is alert:
                known = began_before(tables, facility, moment.now)
                if known is not None:
                    facility.date_back(known)

    def committed(self) -> None:
        """The database has all that was pending."""
        self.pending = Changes()

    def merge(self, village: WatchedVillage, out: Outcome, moment: Moment) -> None:
        """Add what a verb of a village came to to what is to be committed."""
        if out.has_changes:
            self.pending.merge(out.changes)
        for subject, time in out.deadlines:
            self.deadlines.ask(subject, time)
        if out.back is not None and self._outages.back(village.code, out.back, moment.now, self.pending):
            village.link.settle()
        if out.lost is not None:
            alert = self._outages.lost(village.site, out.lost, moment.now, self.pending)
            village.link.lost(alert, moment.now)
        link = village.take_link()
        if link is not None:
            self.pending.links[village.code] = link
        if village.has_questions:
            self.notice(village)
        if out.late:
            self._metrics.late.inc(out.late)
            self._metrics.overflown.inc(out.overflown)


class Deadlines:
    """When each subject is to be looked at next. Times in ms. Nothing is scanned.

    One time counts for each subject (`Subject.due`). An earlier deadline replaces a later one, whose entry is skipped
    when its time comes. A later deadline is ignored: the look at the earlier one finds nothing to do yet, and asks
    again. So a device that goes on reporting costs nothing here.
    """

    def __init__(self) -> None:
        self._times: list[int] = []
        """A heap of the times in `_at`."""
        self._at: dict[int, list[Subject]] = {}
        """Who is to be looked at at each time, in the order in which that was asked for."""
        self._ready: deque[Subject] = deque()
        """Those whose time has come, `_ready_at`."""
        self._ready_at = 0

    def ask(self, subject: Subject, time: int | None) -> None:
        """Have the subject looked at, at `time` or before; `None`: no need."""
        if time is None or (subject.due is not None and subject.due <= time):
            return
        subject.await_look(time)
        together = self._at.get(time)
        if together is None:
            self._at[time] = [subject]
            heapq.heappush(self._times, time)
        else:
            together.append(subject)

    def due(self, now: int) -> Iterator[Subject]:
        """Take the subjects whose time has come. Returns each once."""
        while True:
            while self._ready:
                subject = self._ready.popleft()
                if subject.due == self._ready_at:
                    subject.await_look(None)
                    yield subject
            if not self._times or self._times[0] > now:
                return
            self._ready_at = heapq.heappop(self._times)
            self._ready.extend(self._at.pop(self._ready_at))

    def next(self) -> int | None:
        """Returns when something is due next. It may be a time that has been replaced."""
        if self._ready:
            return self._ready_at
        return self._times[0] if self._times else None
