"""Reads from an InfluxDB: InfluxQL out, observations in.

A query that was too much for the server is not repeated unchanged: its window, or its number of villages, is halved.
InfluxDB 3 refuses windows of more than a few days, because it reads them file by file. So there, the last and first
observations of series are searched window by window, the newest first.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from siaga.model.clock import HOUR, SECOND, Clock
from siaga.model.observation import Arrival, Recalled, Track, TrackKey
from siaga.model.signals import SIGNALS, SignalType, Value
from siaga.telemetry import SHORTEST_KEPT, SeriesPoint
from siaga.telemetry.gathering import Gathering
from siaga.telemetry.influx_answers import Series
from siaga.telemetry.influx_connection import InfluxConnection, TimedOut, TooMuch
from siaga.telemetry.influx_portions import CORE_FILES_SPAN, TEN_YEARS, Portion
from siaga.telemetry.influx_rows import number, observations, rows, steps, steps_of_flag, steps_united
from siaga.telemetry.line_protocol import ARRIVAL, HOURLY, RECEIVED, TELEMETRY
from siaga.telemetry.refusal import TIME_MAX

__all__ = ["HOURLY_POLICY", "THINNED", "InfluxReading"]

FIELDS_HOLD = SECOND
"""How long the list of fields is cached, ms. Other processes see a new field this much later."""
CHECK_WITHIN = 5.0
"""Timeout of the check query, in seconds. It is for an hour without data."""
EARLIEST = 1_577_836_800_000
"""2020-01-01. A gateway trusts no earlier clock, so everything before it is one query, which finds nothing."""
HOURLY_POLICY = "hourly"
"""The retention policy that holds the summaries of hours."""
THINNED = "siaga_thinned"
"""The measurement whose newest point says until when there are summaries."""
ALL_TIME = (-TIME_MAX, TIME_MAX)

Known = Mapping[TrackKey, int]
"""First times that the caller has already."""
Window = tuple[int, int]
_Parts = list[tuple[int, Series]]

# Statements consist of these, names of `SIGNALS`, and our own integers. All other text is bound.
_OF_ALL = f'FROM "{TELEMETRY}"'
_OF_VILLAGE = f'FROM "{TELEMETRY}" WHERE "village" = $village'
_OF_DEVICE = f'{_OF_VILLAGE} AND "device" = $device'
_BY = 'GROUP BY "village", "device"'
_OF_ARRIVALS = f'FROM "{ARRIVAL}" WHERE'
_OF_SUMMARIES = f'FROM "{HOURLY_POLICY}"."{HOURLY}" WHERE "village" = $village AND "device" = $device'
_SUMMARIES = f'SELECT "count", "minimum", "mean", "maximum", "last" {_OF_SUMMARIES} AND "signal" = $signal'
_OF_MARKS = f'FROM "{HOURLY_POLICY}"."{THINNED}"'
_CASTS = {
    SignalType.BOOL: "boolean",
    SignalType.FLOAT: "float",
    SignalType.INT: "integer",
    SignalType.EVENT: "integer",
}
_FIELDS = {name: f'"{name}"::{_CASTS[signal.type]}' for name, signal in SIGNALS.items()}
"""Fields with type casts. Without them, text that somebody wrote in one week hides a field's values of all weeks."""


class InfluxReading:
    """The reading half of an InfluxDB store. Thread-safe."""

    def __init__(self, connection: InfluxConnection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self._stored: frozenset[str] = frozenset()
        self._stored_until: int | None = None
        self._portion: Portion | None = None
        self._together = Portion(smallest=1)

    def forget_fields(self) -> None:
        """Clear the cached list of fields, after a write."""
        self._stored_until = None

    def latest(
        self, villages: Sequence[str], device: str | None = None, known: Mapping[str, Known] | None = None
    ) -> Mapping[str, Mapping[TrackKey, tuple[int, Value]]]:
        """Returns the last observation of each track of villages, or of one device; see `TelemetryStore.latest`."""
        return self._ends(villages, ("last",), device, known)[0]

    def first_times(self, village: str, known: Known | None = None) -> Mapping[TrackKey, int]:
        """See `TelemetryStore.first_times`."""
        if known is not None and not self._time().whole:
            return dict(known)
        return self._ends([village], ("first",))[1][village]

    def tracks(
        self, villages: Sequence[str], window: Window, signals: Collection[str] | None = None
    ) -> dict[str, dict[TrackKey, Track]]:
        """See `TelemetryStore.tracks`. Memory holds the result, and the answer to one query."""
        names = self._among_stored([name for name in SIGNALS if signals is None or name in signals])
        where, params = _of(villages)
        gathered: dict[str, dict[TrackKey, Gathering]] = {village: {} for village in villages}

        def ask(within: Window) -> _Parts:
            return self._all([f"SELECT {_FIELDS[name]} {where} AND {_within(within)} {_BY}" for name in names], params)

        for _, parts in self._in_parts(window, ask) if names else ():
            for village, key, times, values in _observed(parts, names, villages):
                gathered[village].setdefault(key, Gathering()).extend(times, values)
        return _tracks(gathered)

    def recall(
        self,
        villages: Sequence[str],
        window: Window,
        signals: Collection[str] | None = None,
        known: Mapping[str, Known] | None = None,
    ) -> Mapping[str, Recalled]:
        """See `TelemetryStore.recall`. If a query for several villages is too much, the next is for fewer."""
        found: dict[str, Recalled] = {}
        while len(found) < len(villages):
            asked = villages[len(found) :][: self._together.width]
            if not self._time().whole:
                found |= self._recall_in_parts(asked, window, signals, known)
                continue
            began = self._clock.monotonic()
            try:
                found |= self._recall_at_once(asked, window, signals)
            except (TooMuch, TimedOut) as error:
                portion, size = (self._together, len(asked)) if len(asked) > 1 else (self._time(), TEN_YEARS)
                self._ask_less(portion, size, error)
                continue
            now = self._clock.monotonic()
            self._together.answered(len(asked), now, took=now - began, empty=False)
        return found

    def _recall_at_once(
        self, villages: Sequence[str], window: Window, signals: Collection[str] | None
    ) -> dict[str, Recalled]:
        names = self._among_stored(SIGNALS)
        within = [name for name in names if signals is None or name in signals] if window[0] < window[1] else []
        where, params = _of(villages)
        statements = [f"SELECT {_FIELDS[name]} {where} AND {_within(window)} {_BY}" for name in within]
        statements += [f"SELECT {of}({_FIELDS[name]}) {where} {_BY}" for of in ("last", "first") for name in names]
        tracks: dict[str, dict[TrackKey, Gathering]] = {village: {} for village in villages}
        latest: dict[str, dict[TrackKey, tuple[int, Value]]] = {village: {} for village in villages}
        first: dict[str, dict[TrackKey, int]] = {village: {} for village in villages}
        of_all = [*within, *names, *names]
        for index, series in self._connection.query(statements, params) if names else ():
            for village, key, times, values in _observed([(index, series)], of_all, villages):
                if index < len(within):
                    tracks[village].setdefault(key, Gathering()).extend(times, values)
                elif index < len(within) + len(names):
                    latest[village][key] = times[-1], values[-1]
                else:
                    first[village][key] = times[0]
        found = _tracks(tracks)
        return {village: Recalled(found[village], latest[village], first[village]) for village in villages}

    def _recall_in_parts(
        self,
        villages: Sequence[str],
        window: Window,
        signals: Collection[str] | None,
        known: Mapping[str, Known] | None,
    ) -> dict[str, Recalled]:
        tracks = self.tracks(villages, window, signals)
        latest, first = self._ends(villages, ("last", "first"), known=known)
        return {village: Recalled(tracks[village], latest[village], first[village]) for village in villages}

    def _ends(
        self,
        villages: Sequence[str],
        selectors: Sequence[str],
        device: str | None = None,
        known: Mapping[str, Known] | None = None,
    ) -> tuple[dict[str, dict[TrackKey, tuple[int, Value]]], dict[str, dict[TrackKey, int]]]:
        """Returns the last observation and the first time of each track, depending on `selectors`.

        There is one statement per field and selector: with several selectors in one, InfluxDB returns time 0.
        `known`: as in `TelemetryStore.latest`. The last observation is searched no further back than these times.
        """
        names = self._among_stored(SIGNALS)
        where, params = _of(villages, device)
        latest: dict[str, dict[TrackKey, tuple[int, Value]]] = {village: {} for village in villages}
        first = {village: dict((known or {}).get(village, {})) for village in villages}

        def ask(within: Window) -> _Parts:
            time = "" if within == ALL_TIME else f"AND {_within(within)} "
            return self._all(
                [f"SELECT {of}({_FIELDS[name]}) {where} {time}{_BY}" for of in selectors for name in names],
                params,
                small=True,
            )

        for window, parts in self._in_parts(ALL_TIME, ask, newest_first=True) if names else ():
            for index, part in parts:
                selector = selectors[index // len(names)]
                for village, key, times, values in _observed([(index % len(names), part)], names, villages):
                    if selector == "last":
                        latest[village].setdefault(key, (times[-1], values[-1]))
                    else:
                        first[village][key] = min(times[0], first[village].get(key, times[0]))
            if _all_found(latest, known or {}, window[0]):
                break
        return latest, first

    def series(self, village: str, device: str, signal: str, window: Window, step: int) -> Sequence[SeriesPoint]:
        """See `TelemetryStore.series`. A step that is split between two queries is merged."""
        if signal not in SIGNALS:
            return []
        where, params = _of([village], device)
        return steps_united(
            [
                *self._summaries(village, device, signal, window, step),
                *(
                    point
                    for _, parts in self._reduced(signal, (f"{where} AND", params), window, step)
                    for point in (steps_of_flag if _is_flag(signal) else steps)(parts)
                ),
            ]
        )

    def _reduced(
        self, signal: str, of: tuple[str, dict[str, str]], window: Window, step: int, by: str = ""
    ) -> Iterator[tuple[Window, _Parts]]:
        """Yields a signal reduced to steps, for `steps` or `steps_of_flag`, by the parts of the window."""
        field, (where, params) = _FIELDS[signal], of
        by = f"GROUP BY time({int(step)}ms){by} fill(none)"
        select = ", ".join(f"{how}({field})" for how in (("count", "last") if _is_flag(signal) else _REDUCED))

        def ask(within: Window) -> _Parts:
            time = _within(within)
            statements = [f"SELECT {select} {where} {time} {by}"]
            if _is_flag(signal):  # a boolean has no mean(), so true values are counted
                statements.append(f"SELECT count({field}) {where} {time} AND {field} = true {by}")
            return self._all(statements, params)

        return self._in_parts(window, ask)

    def hours(self, signal: str, window: Window) -> Mapping[tuple[str, str], Sequence[SeriesPoint]]:
        """Returns a signal of all devices of all villages, a point for each hour, by village and device."""
        found: dict[tuple[str, str], list[SeriesPoint]] = {}
        read = steps_of_flag if _is_flag(signal) else steps
        of_all = f"{_OF_ALL} WHERE", dict[str, str]()
        for _, parts in self._reduced(signal, of_all, window, HOUR, ', "village", "device"'):
            of_device: dict[tuple[str, str], _Parts] = {}
            for index, part in parts:
                village, device = part.tags.get("village"), part.tags.get("device")
                if village and device:
                    of_device.setdefault((village, device), []).append((index, part))
            for key, mine in of_device.items():
                found.setdefault(key, []).extend(read(mine))
        return {key: steps_united(points) for key, points in found.items()}

    def _summaries(self, village: str, device: str, signal: str, window: Window, step: int) -> Iterator[SeriesPoint]:
        """Yields what is left of the hours before the first stored reading of a window."""
        if window[0] > self._clock.now() - SHORTEST_KEPT or not self._connection.is_influxdb_1:
            return
        where, params = _of([village], device)
        parts = self._all([f"SELECT first({_FIELDS[signal]}) {where} AND {_within(window)}"], params, small=True)
        first = min((int(number(row[0])) for _, part in parts for row in part.values), default=window[1])
        until = min(window[1], first - first % HOUR)
        if window[0] >= until:
            return
        statement = f"{_SUMMARIES} AND {_within((window[0], until))}"
        for point in steps(self._all([statement], params | {"signal": signal})):
            yield replace(point, time=point.time - point.time % step)

    def signals(self) -> Sequence[str]:
        """Returns the signals that were ever stored."""
        return self._among_stored(SIGNALS)

    def oldest(self) -> int | None:
        """Returns the event time of the oldest reading; `None`: there is none."""
        return self._time_of(f'SELECT first("{RECEIVED}") {_OF_ALL}')

    def summarised_until(self) -> int | None:
        """Returns the time of the newest mark of `THINNED`; `None`: there is none."""
        return self._time_of(f'SELECT last("ok") {_OF_MARKS}')

    def _time_of(self, statement: str) -> int | None:
        parts = self._all([statement], {}, small=True)
        return next((int(number(row[0])) for _, part in parts for row in part.values), None)

    def arrivals(self, since: int) -> Sequence[Arrival]:
        """See `TelemetryStore.arrivals`."""

        def ask(within: Window) -> _Parts:
            return self._all([f'SELECT "first", "last", "village", "gateway" {_OF_ARRIVALS} {_within(within)}'], {})

        found = [
            Arrival(str(village), str(gateway), int(number(time)), int(number(first)), int(number(last)))
            for _, parts in self._in_parts((since, ALL_TIME[1]), ask, newest_first=True)
            for _, part in parts
            for time, first, last, village, gateway in rows(part, 5)
        ]
        return sorted(found, key=lambda arrival: arrival.received)

    def is_empty(self) -> bool:
        """Returns whether there is no field of readings.

        Raises:
            StoreUnavailable: it does not answer.
        """
        parts = self._connection.query([f'SHOW FIELD KEYS FROM "{TELEMETRY}"'], {}, within=CHECK_WITHIN, small=True)
        return not any(part.values for _, part in parts)

    def check(self) -> None:
        """Run a query like all others, with a window and a bound name.

        Raises:
            StoreUnavailable: it is not answered.
        """
        now = self._clock.now()
        where, params = _of([""])
        statement = f'SELECT "received"::float {where} AND {_within((now - HOUR, now))} {_BY}'
        for _ in self._connection.query([statement], params, within=CHECK_WITHIN):
            pass

    def _among_stored(self, names: Iterable[str]) -> list[str]:
        """Returns those signals that were ever stored.

        A statement about an absent field costs InfluxDB as much as one about a present field. A district uses half of
        the vocabulary, and a starting engine queries thousands of villages.
        """
        now = self._clock.monotonic()
        if self._stored_until is None or now >= self._stored_until:
            parts = self._all([f'SHOW FIELD KEYS FROM "{TELEMETRY}"'], {}, small=True)
            self._stored = frozenset(str(row[0]) for _, part in parts for row in part.values)
            self._stored_until = now + FIELDS_HOLD
        return [name for name in names if name in self._stored]

    def _all(self, statements: Sequence[str], params: Mapping[str, str], *, small: bool = False) -> _Parts:
        return list(self._connection.query(statements, params, small=small))

    # Width of queries

    def _time(self) -> Portion:
        """Returns the width of windows for this server."""
        if self._portion is None:
            core = self._connection.version()[0] >= 3
            self._portion = Portion(CORE_FILES_SPAN, known=True) if core else Portion()
        return self._portion

    def _in_parts(
        self, window: Window, ask: Callable[[Window], _Parts], *, newest_first: bool = False
    ) -> Iterator[tuple[Window, _Parts]]:
        """Yields the parts of a window with their answers: one part, or as many as the server requires.

        A refused part is halved at once. A part that timed out ends the call, and the next call uses smaller ones.
        """
        portion, (start, end) = self._time(), window
        while start < end:
            part = self._first_part(start, end, portion, newest_first=newest_first)
            width = min(part[1] - part[0], portion.width, TEN_YEARS)
            began = self._clock.monotonic()
            try:
                answer = ask(part)
            except (TooMuch, TimedOut) as error:
                self._ask_less(portion, width, error)
                continue
            now = self._clock.monotonic()
            portion.answered(width, now, took=now - began, empty=not answer)
            yield part, answer
            start, end = (start, part[0]) if newest_first else (part[1], end)

    def _first_part(self, start: int, end: int, portion: Portion, *, newest_first: bool) -> Window:
        """Returns the first part of a window to query. The future, and the time before `EARLIEST`, are not split."""
        if portion.whole:
            return start, end
        now = self._clock.now()
        if newest_first:
            if end <= EARLIEST:
                return start, end
            cut = min(end, now) - portion.width
            return max(start, cut if start >= EARLIEST else max(cut, EARLIEST)), end
        if start < EARLIEST < end:
            return start, EARLIEST
        return start, end if start >= now else min(end, start + portion.width)

    def _ask_less(self, portion: Portion, size: int, error: TooMuch | TimedOut) -> None:
        """Narrow the queries after one that was too much.

        Raises:
            TooMuch, TimedOut: this call cannot continue with a smaller one.
        """
        if isinstance(error, TimedOut):
            if self._connection.answers():  # else the server is down, and the query was not the cause
                portion.timed_out(size, self._clock.monotonic())
            raise error
        if not portion.refused(size):
            raise error


_REDUCED = ("count", "min", "mean", "max", "last")


def _is_flag(signal: str) -> bool:
    return SIGNALS[signal].type is SignalType.BOOL


def _of(villages: Sequence[str], device: str | None = None) -> tuple[str, dict[str, str]]:
    """Returns FROM and WHERE for some villages, or one device of one, and the parameters in them."""
    if len(villages) == 1:
        params = {"village": villages[0]}
        return (_OF_VILLAGE, params) if device is None else (_OF_DEVICE, params | {"device": device})
    of_all = " OR ".join(f'"village" = $village{place}' for place in range(len(villages)))
    return f'FROM "{TELEMETRY}" WHERE ({of_all})', {f"village{place}": code for place, code in enumerate(villages)}


def _within(window: Window) -> str:
    """Returns the condition for a window, limited to InfluxDB's range of times. InfluxDB 3 takes no bound times."""
    start, end = (max(-TIME_MAX, min(TIME_MAX, time)) * 1_000_000 for time in window)
    return f"time >= {start} AND time < {end}"


def _observed(
    parts: Iterable[tuple[int, Series]], names: Sequence[str], villages: Sequence[str]
) -> Iterator[tuple[str, TrackKey, Sequence[int], Sequence[Value]]]:
    """Yields village, track, times and values of the parts of an answer. `names`: the signal of each statement."""
    for index, series in parts:
        village = series.tags.get("village") or villages[0]
        device, signal = series.tags.get("device"), SIGNALS[names[index]]
        times, values = observations(signal, rows(series, 2))
        if device and times and village in villages:
            yield village, (device, signal.name), times, values


def _tracks(gathered: Mapping[str, Mapping[TrackKey, Gathering]]) -> dict[str, dict[TrackKey, Track]]:
    return {
        village: {key: gathering.track() for key, gathering in of_village.items()}
        for village, of_village in gathered.items()
    }


def _all_found(
    latest: Mapping[str, Mapping[TrackKey, object]], known: Mapping[str, Known], looked_back_to: int
) -> bool:
    """Returns whether the last observations of all known tracks are found, so that no older data is needed."""
    return all(
        village in known
        and all(time >= looked_back_to or key in latest[village] for key, time in known[village].items())
        for village in latest
    )
