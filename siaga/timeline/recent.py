"""The recent observations of one village, in memory: what its live state is judged from.

Only what can bear on a state is kept: the indicator's signals, `online`, `mains`, the gateways' `alive`. Any other
reading of a device only shows that it was heard, so all of these are kept as one track, `heard`. Readings may come in
any order. Of two at one time the one that came last is kept.

Every observation from `start` on is in memory, so a facility can be judged from it for instants from `start` + its
reach on (`covers`). What is older is trimmed as time passes.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache, partial
from itertools import repeat

from siaga.model.capabilities import can_give
from siaga.model.clock import MINUTE
from siaga.model.indicators import INDICATORS, POWER, Above, Below, EventWithin, evidence_signals
from siaga.model.indicators import Evidence as Wanted
from siaga.model.observation import Track, TrackKey
from siaga.model.signals import EVENTS, Value
from siaga.model.sites import Facility, Village
from siaga.timeline.judge import GATEWAY_HEARD, Evidence, participants, reach
from siaga.timeline.series import GIVES, LONG, NEVER, REPORTS, Series
from siaga.timeline.short_way import ShortWay

__all__ = ["LIVE", "Recent", "judged_facilities", "reach_of"]

LIVE = 10 * MINUTE
"""How far back live judgement goes, beyond the reach of an observation. Older readings are history."""
_ALWAYS_KEPT = frozenset({"online", "mains"})
_HEARD = "heard"
"""The signal under which all other readings are kept. The gateway uses the word for such messages, too."""


def reach_of(village: Village) -> int:
    """Returns how long an observation can affect anything in a village, ms."""
    reaches = [reach(village, facility) for facility in judged_facilities(village)]
    holds = [device.validity for facility in village.facilities for device in facility.devices]
    return max([GATEWAY_HEARD, *reaches, *holds])


def judged_facilities(village: Village) -> list[Facility]:
    """The facilities that have an indicator, and so a state."""
    return [facility for facility in village.facilities if facility.kind in INDICATORS]


class Recent:
    """The recent observations of one village.

    `insert` returns whether a reading can change a state that was judged. One that repeats what the one before said,
    while that still holds, cannot. Such readings go the `short_way` first.
    """

    def __init__(self, village: Village, start: int, first: Mapping[TrackKey, int] | None = None) -> None:
        self.start = start
        self.first: dict[TrackKey, int] = dict(first or {})
        self._speaking = {device for device, signal in self.first if signal != "online"}
        self.reported: dict[str, int] = {}
        self.gave: dict[str, int] = {}
        """When each device last gave evidence: something that its facility is judged by."""
        self._series: dict[TrackKey, Series] = {}
        self._gateways: set[str] = set()
        self._heard: tuple[int, int] | None = None
        """A heartbeat, and the start of its stretch: saves looking through hours of heartbeats each time."""
        self.watch(village)

    def watch(self, village: Village) -> None:
        """Take the village as it is now. It decides which signals are kept; what is kept already stays."""
        self.village = village
        self._kept: dict[str, frozenset[str]] = {}  # by device
        self._judged_by: dict[str, frozenset[str]] = {}  # the same, of what its facility is judged by
        self._events: dict[str, list[TrackKey]] = {}  # which of these are events
        self._owners: dict[str, Facility] = {}  # by device
        for facility in village.facilities:
            indicator = INDICATORS.get(facility.kind)
            sensed = indicator.sensed if indicator is not None else None
            signals = _signals_of(facility.kind)
            taking_part = participants(facility) or (facility.devices if sensed is not None else ())
            self._judged_by |= dict.fromkeys((device.id for device in taking_part), signals)
            for device in taking_part:
                events = sorted(signals & EVENTS & can_give(device, facility.kind))
                if events:
                    self._events[device.id] = [(device.id, signal) for signal in events]
            for device in facility.devices:
                self._owners[device.id] = facility
                self._kept[device.id] = signals
        old, self._series, self._gateways, self._heard = self._series, {}, set(), None
        self.tracks: dict[TrackKey, Track] = {}
        self._power = [
            device.id for facility in village.facilities if facility.kind == POWER for device in facility.devices
        ]
        self.short_way = ShortWay(self._series, self.first, self.reported, self.gave, self._kept_as, self._shows)
        for key, series in old.items():
            self._merge(key, series.times, series.values)
        self.reach = reach_of(village)

    def _wanted(self, key: TrackKey) -> tuple[Wanted, ...]:
        """Returns what a facility's indicator asks of a signal of its device."""
        owner = self._owners.get(key[0])
        return () if owner is None else _wanted_of(owner.kind, key[1])

    @property
    def covers(self) -> int:
        """From when on any facility of the village can be judged from memory."""
        return self.start + self.reach

    @property
    def evidence(self) -> Evidence:
        """What is in memory, for the judge. It shares the memory's lists, so it is valid until the next insertion."""
        return Evidence(self.tracks, self.first)

    def facility_of(self, device: str) -> Facility | None:
        """Returns the facility of a device; `None` for a gateway."""
        return self._owners.get(device)

    def learn_first(self, key: TrackKey, time: int) -> bool:
        """Note when a signal was reported. Returns True if that is its first report, or earlier than the one known."""
        known = self.first.get(key)
        if known is not None and known <= time:
            return False
        self.first[key] = time
        if known is None:
            self._recount(key, time)
        return True

    def _recount(self, key: TrackKey, time: int) -> None:
        """Correct when a device last reported, and gave evidence: a new signal may change which readings count."""
        device, signal = key
        self.short_way.forget(device)
        if signal != "online":
            self._speaks(device, time)
        if signal == "wifi_up":
            self._take_back(self.gave, device, time, partial(self.reports_after, evidence=True))
        if key in self._events.get(device, ()) and device in self.reported:
            self.gave[device] = max(self.gave.get(device, -NEVER), self.reported[device])

    def _speaks(self, device: str, time: int) -> None:
        """The device said something of its own. So its `online` is no report, and never was."""
        if device not in self._speaking:
            self._speaking.add(device)
            self.short_way.forget(device)
            self._take_back(self.reported, device, time, self.reports_after)

    @staticmethod
    def _take_back(last: dict[str, int], device: str, first: int, after: Callable[[str, int], list[int]]) -> None:
        """Fewer readings count than before: the last one that does is the newest in memory, or the first ever."""
        known = last.get(device)
        if known is not None:
            last[device] = min(known, max([first, *after(device, first)]))

    def note_report(self, device: str, signal: str, time: int, now: int) -> bool:
        """Note a reading. Returns True if it is a report: any but `online`, unless the device never says anything else.

        A time in the future, from a clock that is ahead, counts as now.
        """
        time = min(time, now)
        if self.gives_evidence(device, signal) and time > self.gave.get(device, -NEVER):
            self.gave[device] = time
        if signal != "online":
            self._speaks(device, time)
        elif device in self._speaking:
            return False
        if time > self.reported.get(device, -NEVER):
            self.reported[device] = time
        return True

    def is_judged_by(self, device: str) -> bool:
        """Whether a device is expected to give something that its facility is judged by.

        It takes part; or none of its facility does, and somebody has to look at what they were mapped to.
        """
        return device in self._judged_by

    def gives_evidence(self, device: str, signal: str) -> bool:
        """Whether a reading of a signal is something that the device's facility is judged by, `mains` included.

        `online` is, as long as it stands for another signal. Once the device has reported an event, every reading of
        its own is: it says that there was no other event.
        """
        judged_by = self._judged_by.get(device)
        if judged_by is None:
            return False
        if signal == "online":
            return signal in evidence_signals(self._owners[device].kind) and (device, "wifi_up") not in self.first
        return signal in judged_by or any(key in self.first for key in self._events.get(device, ()))

    def first_event_within(self, device: str) -> int:
        """How long a device may be without its first event, ms: for as long as one would count; 0 where it has none."""
        wanted = [item for key in self._events.get(device, ()) for item in self._wanted(key)]
        return max((item.interval for item in wanted if isinstance(item, EventWithin)), default=0)

    def lacks_evidence(self, device: str, since: int) -> bool:
        """Returns True if a device that is expected to give evidence has given none since a moment."""
        return device in self._judged_by and self.gave.get(device, -NEVER) <= since

    def first_reported(self, device: str) -> int | None:
        """Returns when a device first said anything of its own, ever; `None`: it never did."""
        return min(
            (time for (whose, signal), time in self.first.items() if whose == device and signal != "online"),
            default=None,
        )

    def besides(self, device: str) -> list[str]:
        """Returns the signals that a device ever reported and by which nothing is judged."""
        own = {signal for whose, signal in self.first if whose == device and signal not in ("online", _HEARD)}
        return sorted(own - self._judged_by.get(device, frozenset()))

    def reports_after(self, device: str, after: int, *, evidence: bool = False) -> list[int]:
        """Returns when a device reported, or gave evidence, after a moment, as far as memory goes."""
        tracks = [
            series.times
            for (whose, signal), series in self._series.items()
            if whose == device and (self.gives_evidence(device, signal) if evidence else signal != "online")
        ]
        return sorted({time for times in tracks for time in times if time > after})

    def _shows(self, place: TrackKey, series: Series) -> int:
        """Returns what a repetition on a track shows of its device. It stays so until `ShortWay.forget`."""
        device, signal = place
        is_event = signal in EVENTS and not series.counts
        if is_event or device not in self._speaking or device not in self._owners:
            return LONG
        return GIVES * self.gives_evidence(device, signal) + REPORTS * (signal != "online")

    def insert(self, key: TrackKey, time: int, value: Value, now: int) -> bool:
        """Add a reading. Returns True if it can change what was judged up to `now`."""
        key, value = self._kept_as(key, value)
        series = self._series.get(key) or self._new_series(key)
        if series is None or time < self.start:
            return False
        times, values = series.times, series.values
        if key[1] == "alive" and self._heard is not None and time < self._heard[0]:
            self._heard = None  # it may join two stretches, also one of another gateway
        if times and time > times[-1]:
            goes_on = self._goes_on(key, series, value, time, now)
            times.append(time)
            values.append(value)
            if not goes_on:
                series.steady_from = time
            if series.wills and not value:
                self._note_wills(key[0], series)
            return not goes_on
        index = bisect_left(times, time)
        if index < len(times) and times[index] == time:
            before, values[index] = values[index], value
            if before == value:
                return False
            self._note_changed(key[0], series)
            return series.means(before) != series.means(value)
        goes_on = series.counts and 0 < index < len(times) and self._is_heard_between(key, series, index)
        times.insert(index, time)
        values.insert(index, value)
        self._note_changed(key[0], series)
        return not goes_on

    def _note_changed(self, device: str, series: Series) -> None:
        """Observations of a track were changed otherwise than by a newer one."""
        series.changed()
        if series.wills:
            self._note_wills(device, series)

    def _note_wills(self, device: str, online: Series) -> None:
        """The last wills of a device have changed. What repeated may be new after one of them."""
        online.changed()
        for (whose, _), series in self._series.items():
            if whose == device:
                series.steady_from = NEVER

    def _is_heard_between(self, key: TrackKey, series: Series, index: int) -> bool:
        """Whether a device was heard without a gap from the report before a place to the one at it."""
        before, after = series.times[index - 1], series.times[index]
        online = self._series.get((key[0], "online"))
        return after <= before + series.holds and (online is None or not online.will_between(before, after))

    def _goes_on(self, key: TrackKey, series: Series, value: Value, time: int, now: int) -> bool:
        """Whether a newest reading only repeats what still holds, at its own time and at `now`."""
        if time > now:
            return False
        device, signal = key
        holds_until = series.times[-1] + series.holds
        if holds_until <= now or (signal == "online" and not value):
            return False
        if signal in EVENTS and not series.counts:
            return bool(value) and bool(series.values[-1]) and series.times[-1] + (series.interval or 0) > now
        online = self._series.get((device, "online"))
        if online is not None and online.will_between(series.times[-1], time):
            return False
        return series.counts or series.means(value) == series.means(series.values[-1])

    def _new_series(self, key: TrackKey) -> Series | None:
        device, signal = key
        owner = self._owners.get(device)
        if owner is None:
            if signal != "alive":
                return None
            self._gateways.add(device)
            series = Series(GATEWAY_HEARD)
        else:
            wanted = self._wanted(key)
            interval = next((item.interval for item in wanted if isinstance(item, EventWithin)), None)
            limits = tuple(item for item in wanted if isinstance(item, Above | Below))
            wills, counts = signal == "online", signal == _HEARD
            validity = next(each.validity for each in owner.devices if each.id == device)
            series = Series(validity, interval, limits, wills=wills, counts=counts)
        self._series[key] = series
        self.tracks[key] = series
        if signal == "online":
            self.short_way.forget(device)
        return series

    def begin(self, start: int) -> None:
        """All observations from `start` on are in memory."""
        self.start = start

    def absorb(self, tracks: Mapping[TrackKey, Track], start: int) -> int:
        """Add what the store has from `start` on. What is in memory is newer and stays.

        Returns the earliest time of an observation that memory did not have; `NEVER`: it had them all. From then on
        what was judged may come otherwise.
        """
        self._heard = None
        first = min((self._merge(key, track.times, track.values) for key, track in tracks.items()), default=NEVER)
        self.start = start
        return first

    def _merge(self, key: TrackKey, times: Sequence[int], values: Sequence[Value]) -> int:
        """Add older observations of a signal. What is in memory stays. Returns the earliest time that is new."""
        place, _ = self._kept_as(key, True)
        series = self._series.get(place) or self._new_series(place)
        if series is None:
            return NEVER
        known = set(series.times)
        merged = dict(zip(times, values if place == key else repeat(1), strict=place == key))
        merged.update(zip(series.times, series.values, strict=True))
        series.times[:] = array("q", sorted(merged))
        series.values[:] = [merged[time] for time in series.times]
        self._note_changed(key[0], series)
        return min((time for time in times if time not in known), default=NEVER)

    def _kept_as(self, key: TrackKey, value: Value) -> tuple[TrackKey, Value]:
        """Returns under which signal a reading is kept, and as what value."""
        kept = self._kept.get(key[0])
        return (key, value) if kept is None or key[1] in kept else ((key[0], _HEARD), 1)

    def words(self, since: int = NEVER) -> Iterator[tuple[TrackKey, Track]]:
        """Returns what it takes to judge from `covers` on, or from `since` if that is earlier, for the snapshot.

        That is all observations from then on, and the last one of each signal before. Of `online` also the last will,
        of an event also the last one that happened, and as many heartbeats as show since when there is no gap.
        """
        since = min(since, self.covers)
        for key, series in self._series.items():
            end = bisect_right(series.times, since)
            if key[1] != "alive" and key[1] != "online" and key[1] not in EVENTS:
                first = max(0, end - 1)
                if first < len(series.times):
                    yield key, Track(series.times[first:], series.values[first:])
                continue
            wanted = set(range(max(0, end - 1), len(series.times)))
            if key[1] == "alive":
                wanted.update(_thinned(series.times, end - 1))
            elif key[1] == "online":
                wanted.update(next(([n] for n in range(end - 1, -1, -1) if not series.values[n]), ()))
            elif key[1] in EVENTS:
                wanted.update(next(([n] for n in range(end - 1, -1, -1) if series.values[n]), ()))
            if wanted:
                chosen = sorted(wanted)
                yield key, Track([series.times[n] for n in chosen], [series.values[n] for n in chosen])

    def restore(self, key: TrackKey, track: Track) -> None:
        """Restore what a snapshot says of a signal."""
        series = self._series.get(key) or self._new_series(key)
        if series is not None:
            series.times[:], series.values[:] = array("q", track.times), track.values
            self._note_changed(key[0], series)

    def affected(self, device: str, signal: str) -> list[Facility]:
        """Returns the facilities whose state a reading of this device and signal can change."""
        owner = self.facility_of(device)
        if owner is None or (signal in _ALWAYS_KEPT and owner.kind == POWER):
            return judged_facilities(self.village)
        return [owner] if owner.kind in INDICATORS else []

    def changes_after(self, facility: Facility, moment: int) -> int:
        """Returns the first instant after `moment` at which a facility's state may change although nothing more comes.

        A validity or an event's interval may end, the gateway may fall silent, or a reading may be of the future.
        Schedule and maintenance are not looked at.
        """
        return min(self.own_changes_after(facility, moment), self.gateways_change_after(moment))

    def own_changes_after(self, facility: Facility, moment: int) -> int:
        """Returns the same by what a facility's devices say, and those that speak for the village's mains power."""
        first = NEVER
        for device in facility.devices:
            first = min(first, self._device_changes_after(device.id, (*self._kept[device.id], _HEARD), moment))
        for name in self._power:
            first = min(first, self._device_changes_after(name, _ALWAYS_KEPT, moment))
        return first

    def _device_changes_after(self, device: str, signals: Iterable[str], moment: int) -> int:
        first, series_of = NEVER, self._series.get
        online = series_of((device, "online"))
        for signal in signals:
            series = series_of((device, signal))
            if series is not None:
                first = min(first, series.changes_after(moment, None if series is online else online))
        return first

    def gateways_change_after(self, moment: int) -> int:
        """Returns the same by the village's gateways alone, which is the same for all facilities."""
        return min((self._series[each, "alive"].changes_after(moment) for each in self._gateways), default=NEVER)

    def heard_from(self, moment: int) -> int | None:
        """Returns the start of the stretch around `moment` in which a gateway is heard, as far back as memory goes."""
        begins = newest = None
        for time in self._heartbeats_back_from(moment):
            if time + GATEWAY_HEARD <= (moment if begins is None else begins - 1):
                break
            if newest is None:
                newest = time
            if self._heard is not None and time == self._heard[0]:
                begins = self._heard[1]
                break
            begins = time
        if newest is not None and begins is not None:
            self._heard = (newest, begins)
        return begins

    def next_heartbeat(self, moment: int) -> int | None:
        """Returns the first heartbeat after a moment."""
        tracks = [self._series[gateway, "alive"].times for gateway in self._gateways]
        return min((times[at] for times in tracks if (at := bisect_right(times, moment)) < len(times)), default=None)

    @property
    def last_heartbeat(self) -> int | None:
        """The newest heartbeat in memory."""
        tracks = [self._series[gateway, "alive"].times for gateway in self._gateways]
        return max((times[-1] for times in tracks if times), default=None)

    def heard_before(self, moment: int) -> bool:
        """Whether a gateway was heard, ever, before a moment."""
        return any(time < moment for (_, signal), time in self.first.items() if signal == "alive")

    def _heartbeats_back_from(self, moment: int) -> Iterable[int]:
        tracks = [self._series[gateway, "alive"].times for gateway in self._gateways]
        if len(tracks) == 1:
            times = tracks[0]
            return _backwards(times, bisect_right(times, moment))
        return sorted((time for times in tracks for time in times if time <= moment), reverse=True)

    def trim(self, now: int) -> None:
        """Drop what no live judgement needs any more."""
        start = now - LIVE - self.reach
        if start <= self.start:
            return
        self.start = start
        empty = []
        for key, series in self._series.items():
            gone = bisect_left(series.times, start)
            if gone:
                del series.times[:gone], series.values[:gone]
            if not series.times and key[0] in self._gateways:
                empty.append(key)
        for key in empty:  # gateways come and go, devices stay
            del self._series[key], self.tracks[key]
            self._gateways.discard(key[0])

    def between(self, start: int, end: int) -> dict[TrackKey, Track]:
        """Returns a copy of what is in memory of `[start, end)`."""
        return {key: part for key, track in self.tracks.items() if (part := track.between(start, end)).times}


@cache
def _signals_of(kind: str) -> frozenset[str]:
    """Returns the signals that are kept of a device in a facility of a kind: one object for all of them."""
    return _ALWAYS_KEPT | evidence_signals(kind)


@lru_cache(maxsize=1024)
def _wanted_of(kind: str, signal: str) -> tuple[Wanted, ...]:
    indicator = INDICATORS.get(kind)
    sensed = None if indicator is None else indicator.sensed
    return () if sensed is None else tuple(item for item in sensed.evidence if item.signal == signal)


def _thinned(times: Sequence[int], index: int) -> Iterator[int]:
    """Yields the places of the fewest heartbeats that show no gap until the one at `index`."""
    place = index
    while place > 0:
        before = max(bisect_left(times, times[place] - GATEWAY_HEARD), 0)
        if before >= place:
            return
        yield before
        place = before


def _backwards(times: Sequence[int], index: int) -> Iterator[int]:
    while index:
        index -= 1
        yield times[index]
