"""What is asked of an InfluxDB, and how much of it at once: InfluxQL out, observations in.

No question that was too much for the server is repeated unchanged: its window is halved, or the number of villages.
InfluxDB 3 reads a window file by file and refuses more than some days of them, so there no question goes over all
time: the last and the first observation of a series are looked for window by window, the newest first.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from siaga.model.clock import HOUR, SECOND, Clock
from siaga.model.observation import Arrival, Track, TrackKey
from siaga.model.signals import SIGNALS, SignalType, Value
from siaga.telemetry import Memory, SeriesPoint
from siaga.telemetry.gathering import Gathering
from siaga.telemetry.influx_answers import Series
from siaga.telemetry.influx_connection import InfluxConnection, TimedOut, TooMuch
from siaga.telemetry.influx_portions import CORE_FILES_SPAN, TEN_YEARS, Portion
from siaga.telemetry.influx_rows import number, observations, rows, steps, steps_of_flag, steps_united
from siaga.telemetry.line_protocol import ARRIVAL, TELEMETRY
from siaga.telemetry.refusal import TIME_MAX

__all__ = ["InfluxReading"]

FIELDS_HOLD = SECOND
"""How long the list of fields that there are is taken for true: of a signal's first reading ever, others hear later."""
CHECK_WITHIN = 5.0
"""Seconds within which a store that can be read answers a question about an hour in which there is nothing."""
EARLIEST = 1_577_836_800_000
"""2020: a gateway trusts no clock that says less, so all that is older is one question, which finds nothing."""
ALL_TIME = (-TIME_MAX, TIME_MAX)

Known = Mapping[TrackKey, int]
"""First times that a caller has from elsewhere."""
Window = tuple[int, int]
_Parts = list[tuple[int, Series]]

# Statements are put together from these, names of `SIGNALS` and integers of our own; all text is bound.
_OF_VILLAGE = f'FROM "{TELEMETRY}" WHERE "village" = $village'
_OF_DEVICE = f'{_OF_VILLAGE} AND "device" = $device'
_BY = 'GROUP BY "village", "device"'
_OF_ARRIVALS = f'FROM "{ARRIVAL}" WHERE'
_CASTS = {
    SignalType.BOOL: "boolean",
    SignalType.FLOAT: "float",
    SignalType.INT: "integer",
    SignalType.EVENT: "integer",
}
_FIELDS = {name: f'"{name}"::{_CASTS[signal.type]}' for name, signal in SIGNALS.items()}
"""Fields with their types: else one week in which somebody wrote text into a field hides its values of all weeks."""


class InfluxReading:
    """The reading half of an InfluxDB store. Safe to use from several threads."""

    def __init__(self, connection: InfluxConnection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self._stored: frozenset[str] = frozenset()
        self._stored_until: int | None = None
        self._portion: Portion | None = None
        self._together = Portion(smallest=1)

    def forget_fields(self) -> None:
        """Ask anew what fields there are: something was written."""
        self._stored_until = None

    def latest(
        self, villages: Sequence[str], device: str | None = None, known: Mapping[str, Known] | None = None
    ) -> Mapping[str, Mapping[TrackKey, tuple[int, Value]]]:
        """The last observation of each track of some villages, or of one device of one; see `TelemetryStore.latest`."""
        return self._ends(villages, ("last",), device, known)[0]

    def first_times(self, village: str, known: Known | None = None) -> Mapping[TrackKey, int]:
        """See `TelemetryStore.first_times`."""
        if known is not None and not self._time().whole:
            return dict(known)
        return self._ends([village], ("first",))[1][village]

    def tracks(
        self, villages: Sequence[str], window: Window, signals: Collection[str] | None = None
    ) -> dict[str, dict[TrackKey, Track]]:
        """See `TelemetryStore.tracks`. Memory holds the result, and the answer to one question."""
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
    ) -> Mapping[str, Memory]:
        """See `TelemetryStore.recall`. Where a request for several villages is too much, the next is for fewer."""
        found: dict[str, Memory] = {}
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
    ) -> dict[str, Memory]:
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
        return {village: Memory(found[village], latest[village], first[village]) for village in villages}

    def _recall_in_parts(
        self,
        villages: Sequence[str],
        window: Window,
        signals: Collection[str] | None,
        known: Mapping[str, Known] | None,
    ) -> dict[str, Memory]:
        tracks = self.tracks(villages, window, signals)
        latest, first = self._ends(villages, ("last", "first"), known=known)
        return {village: Memory(tracks[village], latest[village], first[village]) for village in villages}

    def _ends(
        self,
        villages: Sequence[str],
        selectors: Sequence[str],
        device: str | None = None,
        known: Mapping[str, Known] | None = None,
    ) -> tuple[dict[str, dict[TrackKey, tuple[int, Value]]], dict[str, dict[TrackKey, int]]]:
        """The last observation and the first time of each track, as `selectors` say. A statement a field and selector:
        several selectors in one would answer with time 0.

        With `known`, all tracks that there are and their first times but for the newest: the last of each is looked
        for back to that, and no further.
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
        """See `TelemetryStore.series`. A step that lies in two questions is put together from both."""
        if signal not in SIGNALS:
            return []
        field, (where, params) = _FIELDS[signal], _of([village], device)
        by = f"GROUP BY time({int(step)}ms) fill(none)"
        is_flag = SIGNALS[signal].type is SignalType.BOOL  # which have no mean: the share of those that are true
        select = ", ".join(f"{of}({field})" for of in (("count", "last") if is_flag else _REDUCED))

        def ask(within: Window) -> _Parts:
            time = f"AND {_within(within)}"
            statements = [f"SELECT {select} {where} {time} {by}"]
            if is_flag:
                statements.append(f"SELECT count({field}) {where} {time} AND {field} = true {by}")
            return self._all(statements, params)

        read = steps_of_flag if is_flag else steps
        return steps_united(point for _, parts in self._in_parts(window, ask) for point in read(parts))

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

    def check(self) -> None:
        """Ask as all questions are asked: with a window, and a name that is bound. It is answered, or it raises."""
        now = self._clock.now()
        where, params = _of([""])
        statement = f'SELECT "received"::float {where} AND {_within((now - HOUR, now))} {_BY}'
        for _ in self._connection.query([statement], params, within=CHECK_WITHIN):
            pass

    def _among_stored(self, names: Iterable[str]) -> list[str]:
        """Those of the signals that anything was ever stored of.

        A statement about a field that is in no series of a village costs InfluxDB as much as one about a field that
        is: a district uses half of the vocabulary, and a starting engine asks about thousands of villages.
        """
        now = self._clock.monotonic()
        if self._stored_until is None or now >= self._stored_until:
            parts = self._all([f'SHOW FIELD KEYS FROM "{TELEMETRY}"'], {}, small=True)
            self._stored = frozenset(str(row[0]) for _, part in parts for row in part.values)
            self._stored_until = now + FIELDS_HOLD
        return [name for name in names if name in self._stored]

    def _all(self, statements: Sequence[str], params: Mapping[str, str], *, small: bool = False) -> _Parts:
        return list(self._connection.query(statements, params, small=small))

    # How much at once

    def _time(self) -> Portion:
        """The width of windows, by what is known of the server."""
        if self._portion is None:
            core = self._connection.version()[0] >= 3
            self._portion = Portion(CORE_FILES_SPAN, known=True) if core else Portion()
        return self._portion

    def _in_parts(
        self, window: Window, ask: Callable[[Window], _Parts], *, newest_first: bool = False
    ) -> Iterator[tuple[Window, _Parts]]:
        """The answers to a question about a window: in one part, or in as many as the server lets it have.

        A part that was refused is halved at once. One that timed out ends the call, and the next one asks for less.
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
        """The part of a window to ask for first. What is to come, and what is older than any reading, is not cut."""
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
        """Take note of a question that was too much; raise it where this call cannot go on with less."""
        if isinstance(error, TimedOut):
            if self._connection.answers():  # else it was not the question
                portion.timed_out(size, self._clock.monotonic())
            raise error
        if not portion.refused(size):
            raise error


_REDUCED = ("count", "min", "mean", "max", "last")


def _of(villages: Sequence[str], device: str | None = None) -> tuple[str, dict[str, str]]:
    """The measurement with the condition for some villages, or one device of one, and the parameters that it names."""
    if len(villages) == 1:
        params = {"village": villages[0]}
        return (_OF_VILLAGE, params) if device is None else (_OF_DEVICE, params | {"device": device})
    of_all = " OR ".join(f'"village" = $village{place}' for place in range(len(villages)))
    return f'FROM "{TELEMETRY}" WHERE ({of_all})', {f"village{place}": code for place, code in enumerate(villages)}


def _within(window: Window) -> str:
    """The condition for a window, within what InfluxDB can count. InfluxDB 3 takes no bound times."""
    start, end = (max(-TIME_MAX, min(TIME_MAX, time)) * 1_000_000 for time in window)
    return f"time >= {start} AND time < {end}"


def _observed(
    parts: Iterable[tuple[int, Series]], names: Sequence[str], villages: Sequence[str]
) -> Iterator[tuple[str, TrackKey, Sequence[int], Sequence[Value]]]:
    """What parts of an answer hold, each about the signal of `names` at its place: village, track, times, values."""
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
    """Whether nothing older can be the last observation of a track: of each village all are known, and found."""
    return all(
        village in known
        and all(time >= looked_back_to or key in latest[village] for key, time in known[village].items())
        for village in latest
    )
