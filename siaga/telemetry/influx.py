"""The telemetry store on an InfluxDB: line protocol in, InfluxQL out, the pair that 1.x, 2.x, 3.x and openGemini speak.

Retention: `drop_before` sets the length of a 1.x database's `autogen` policy. A bucket of InfluxDB 2 or 3, and a
default policy that an administrator made, keep the length that they were given there.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from siaga.model.clock import HOUR, SECOND, Clock, SystemClock
from siaga.model.observation import Arrival, Point, Track, TrackKey
from siaga.model.signals import SIGNALS, SignalType, Value
from siaga.telemetry import Memory, RefusedPoint, SeriesPoint, StoreUnavailable, Write
from siaga.telemetry.gathering import Gathering
from siaga.telemetry.influx_address import InfluxAddress
from siaga.telemetry.influx_connection import InfluxConnection, Series, identifier
from siaga.telemetry.influx_rows import number, observations
from siaga.telemetry.influx_writing import Writing
from siaga.telemetry.line_protocol import ARRIVAL, TELEMETRY, Lines
from siaga.telemetry.pace import Pace
from siaga.telemetry.refusal import TIME_MAX, united

__all__ = ["InfluxStore"]

CHECK = "siaga_check"
"""The measurement of the points that prove that the server takes points."""

FIELDS_HOLD = SECOND
"""How long the list of fields that there are is taken for true: of a signal's first reading ever, others hear later."""

# Statements are put together from these, names of `SIGNALS` and integers; every value is bound.
_READINGS = f'FROM "{TELEMETRY}" WHERE "village" = $village'
_OF_DEVICE = 'AND "device" = $device'
_BY_DEVICE = 'GROUP BY "device"'
_WINDOW = "AND time >= $start AND time < $end"
_ARRIVALS = f'FROM "{ARRIVAL}" WHERE time >= $since'
_Params = dict[str, str | int]
_CASTS = {
    SignalType.BOOL: "boolean",
    SignalType.FLOAT: "float",
    SignalType.INT: "integer",
    SignalType.EVENT: "integer",
}
_FIELDS = {name: f'"{name}"::{_CASTS[signal.type]}' for name, signal in SIGNALS.items()}
"""Fields with their types: else one week in which somebody wrote text into a field hides its values of all weeks."""


class InfluxStore:
    """A `TelemetryStore`. Everything is one attempt, with what a refusal needs: trying again is the caller's."""

    def __init__(self, connection: InfluxConnection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self._lines = Lines()
        self._pace = Pace()
        self._stored: frozenset[str] = frozenset()
        self._stored_until: int | None = None

    @classmethod
    def open(cls, url: str, clock: Clock | None = None) -> "InfluxStore":
        """The store of a URL; `clock` tells how long ago the time of `drop_before` is. Does not connect.

        Raises:
            ValueError: the URL is not one of an InfluxDB.
        """
        return cls(InfluxConnection(InfluxAddress.read(url)), clock or SystemClock())

    def write(self, points: Sequence[Point], arrivals: Sequence[Arrival] = ()) -> Sequence[RefusedPoint]:
        """See `TelemetryStore.write`."""
        return self.prepare(points, arrivals)()

    def prepare(self, points: Sequence[Point], arrivals: Sequence[Arrival] = ()) -> Write:
        """See `TelemetryStore.prepare`. What one call has written, the next does not send again."""
        clock, prove = self._clock, self.prove_write
        writing = Writing(self._connection, self._pace, clock, self._lines, united(points), arrivals, prove)

        def write() -> Sequence[RefusedPoint]:
            try:
                return writing()
            finally:
                self._stored_until = None  # what is written here is read back here at once

        return write

    def prove_write(self) -> int:
        """Write a point of the measurement `siaga_check`, one an hour. Returns its event time.

        Raises:
            StoreUnavailable: the server did not take it; the sentence says what answered instead.
        """
        time = self._clock.now() // HOUR * HOUR
        answer = self._connection.write([f"{CHECK} ok=true {time}"], "ms")
        if answer is not None and not answer.series_limit:  # a full database still takes the series that it has
            at = self._connection.address
            raise StoreUnavailable(f"InfluxDB at {at.base} takes no point into {at.database!r}: {answer.reason}")
        return time

    def latest(self, village: str, device: str) -> Mapping[str, tuple[int, Value]]:
        """See `TelemetryStore.latest`."""
        found = self._selected("last", village, device)
        return {signal: observed for (_, signal), observed in found.items()}

    def latest_of_village(self, village: str) -> Mapping[TrackKey, tuple[int, Value]]:
        """See `TelemetryStore.latest_of_village`."""
        return self._selected("last", village)

    def first_times(self, village: str) -> Mapping[TrackKey, int]:
        """See `TelemetryStore.first_times`."""
        return {key: time for key, (time, _) in self._selected("first", village).items()}

    def _selected(self, selector: str, village: str, device: str | None = None) -> dict[TrackKey, tuple[int, Value]]:
        """One observation of each track. A statement a field: several selectors in one would answer with time 0."""
        where = _READINGS if device is None else f"{_READINGS} {_OF_DEVICE}"
        names = self._among_stored(SIGNALS)
        statements = [f"SELECT {selector}({_FIELDS[name]}) {where} {_BY_DEVICE}" for name in names]
        params: _Params = {"village": village}
        if device is not None:
            params["device"] = device
        found: dict[TrackKey, tuple[int, Value]] = {}
        for key, times, values in self._observations(statements, names, params):
            found[key] = times[-1], values[-1]
        return found

    def tracks(
        self,
        village: str,
        start: int,
        end: int,
        *,
        signals: Collection[str] | None = None,
    ) -> Mapping[TrackKey, Track]:
        """See `TelemetryStore.tracks`. One request; memory holds the result and one part of the answer."""
        if start >= end:
            return {}
        names = self._among_stored([name for name in SIGNALS if signals is None or name in signals])
        statements = [f"SELECT {_FIELDS[name]} {_READINGS} {_WINDOW} {_BY_DEVICE}" for name in names]
        params: _Params = {"village": village, "start": _ns(start), "end": _ns(end)}
        tracks: dict[TrackKey, Gathering] = {}
        for key, times, values in self._observations(statements, names, params):
            tracks.setdefault(key, Gathering()).extend(times, values)
        return {key: gathered.track() for key, gathered in tracks.items()}

    def recall(
        self, villages: Sequence[str], start: int, end: int, *, signals: Collection[str] | None = None
    ) -> Mapping[str, Memory]:
        """See `TelemetryStore.recall`."""
        names = self._among_stored(SIGNALS)
        within = [name for name in names if signals is None or name in signals] if start < end else []
        of_all = " OR ".join(f'"village" = $village{number}' for number in range(len(villages)))
        where, by = f'FROM "{TELEMETRY}" WHERE ({of_all})', 'GROUP BY "village", "device"'
        statements = [f"SELECT {_FIELDS[name]} {where} {_WINDOW} {by}" for name in within]
        statements += [f"SELECT {of}({_FIELDS[name]}) {where} {by}" for of in ("last", "first") for name in names]
        params: _Params = {f"village{number}": village for number, village in enumerate(villages)}
        params |= {"start": _ns(start), "end": _ns(end)}
        tracks: dict[str, dict[TrackKey, Gathering]] = {village: {} for village in villages}
        latest: dict[str, dict[TrackKey, tuple[int, Value]]] = {village: {} for village in villages}
        first: dict[str, dict[TrackKey, int]] = {village: {} for village in villages}
        if villages and names:
            for index, series in self._connection.query(statements, params):
                village, device = series.tags.get("village", ""), series.tags.get("device")
                signal = SIGNALS[[*within, *names, *names][index]]
                times, values = observations(signal, series.values)
                if not device or not times:
                    continue
                key = device, signal.name
                if index < len(within):
                    tracks[village].setdefault(key, Gathering()).extend(times, values)
                elif index < len(within) + len(names):
                    latest[village][key] = times[-1], values[-1]
                else:
                    first[village][key] = times[0]
        return {
            village: Memory(
                {key: gathered.track() for key, gathered in tracks[village].items()}, latest[village], first[village]
            )
            for village in villages
        }

    def _among_stored(self, names: Iterable[str]) -> list[str]:
        """Those of the signals that anything was ever stored of.

        A statement about a field that is in no series of a village costs InfluxDB as much as one about a field that
        is: a district uses half of the vocabulary, and a starting engine asks about thousands of villages.
        """
        now = self._clock.monotonic()
        if self._stored_until is None or now >= self._stored_until:
            parts = self._connection.query([f'SHOW FIELD KEYS FROM "{TELEMETRY}"'])
            self._stored = frozenset(str(row[0]) for _, part in parts for row in part.values)
            self._stored_until = now + FIELDS_HOLD
        return [name for name in names if name in self._stored]

    def _observations(
        self, statements: Sequence[str], names: Sequence[str], params: _Params
    ) -> Iterator[tuple[TrackKey, Sequence[int], Sequence[Value]]]:
        """What statements answer, each about the signal of `names` at its place, part by part."""
        if not statements:
            return
        for index, series in self._connection.query(statements, params):
            device, signal = series.tags.get("device"), SIGNALS[names[index]]
            times, values = observations(signal, series.values)
            if device and times:
                yield (device, signal.name), times, values

    def series(self, village: str, device: str, signal: str, start: int, end: int, step: int) -> Sequence[SeriesPoint]:
        """See `TelemetryStore.series`."""
        if signal not in SIGNALS or start >= end:
            return []
        field, where = _FIELDS[signal], f"{_READINGS} {_OF_DEVICE} {_WINDOW}"
        by = f"GROUP BY time({int(step)}ms) fill(none)"  # a duration cannot be bound; this one is an integer of ours
        params: _Params = {"village": village, "device": device, "start": _ns(start), "end": _ns(end)}
        if SIGNALS[signal].type is SignalType.BOOL:  # which have no mean: the share of those that are true
            statements = [
                f"SELECT count({field}), last({field}) {where} {by}",
                f"SELECT count({field}) {where} AND {field} = true {by}",
            ]
            return _steps_of_flag(self._connection.query(statements, params))
        select = ", ".join(f"{of}({field})" for of in ("count", "min", "mean", "max", "last"))
        return [
            SeriesPoint(int(number(row[0])), int(number(row[1])), *(float(number(value)) for value in row[2:6]))
            for _, part in self._connection.query([f"SELECT {select} {where} {by}"], params)
            for row in part.values
        ]

    def arrivals(self, since: int) -> Sequence[Arrival]:
        """See `TelemetryStore.arrivals`."""
        statement = f'SELECT "first", "last", "village", "gateway" {_ARRIVALS}'
        found = [
            Arrival(str(village), str(gateway), int(number(time)), int(number(first)), int(number(last)))
            for _, part in self._connection.query([statement], {"since": _ns(since)})
            for time, first, last, village, gateway in part.values
        ]
        return sorted(found, key=lambda arrival: arrival.received)

    def drop_before(self, time: int) -> None:
        """See `TelemetryStore.drop_before`: sets the length of the policy `autogen`, where there is one."""
        connection = self._connection
        if connection.address.org is not None or connection.version()[0] != 1:
            return
        database = identifier(connection.address.database)
        hours = max(1, -(-(self._clock.now() - time) // HOUR))
        for _, part in connection.query([f"SHOW RETENTION POLICIES ON {database}"]):
            for row in part.values:
                policy = dict(zip(part.columns, row, strict=True))
                if policy["name"] == "autogen" and policy["default"] and _hours(str(policy["duration"])) != hours:
                    # The lengths of shards that InfluxDB itself takes for policies of such lengths.
                    shard = 1 if hours < 48 else 24 if hours <= 180 * 24 else 168
                    connection.administer(
                        f'ALTER RETENTION POLICY "autogen" ON {database} DURATION {hours}h SHARD DURATION {shard}h'
                    )

    def check(self) -> None:
        """See `TelemetryStore.check`: a question is answered and a point is written."""
        for _ in self._connection.query([f'SELECT "received" {_READINGS}'], {"village": ""}):
            pass
        self.prove_write()

    def close(self) -> None:
        """See `TelemetryStore.close`."""
        self._connection.close()


def _steps_of_flag(answer: Iterator[tuple[int, Series]]) -> list[SeriesPoint]:
    """Steps of a boolean: from the counts of all and the last of each, and the counts of those that are true."""
    counts: dict[int, tuple[int, bool]] = {}
    true: dict[int, int] = {}
    for index, part in answer:
        for row in part.values:
            time, count = int(number(row[0])), int(number(row[1]))
            if index == 0:
                counts[time] = count, bool(row[2])
            else:
                true[time] = count
    return [
        SeriesPoint(
            time,
            count,
            minimum=float(true.get(time, 0) == count),
            mean=true.get(time, 0) / count,
            maximum=float(time in true),
            last=float(last),
        )
        for time, (count, last) in counts.items()
    ]


def _ns(time: int) -> int:
    """Milliseconds as InfluxQL's integers have them, within what InfluxDB can count."""
    return max(-TIME_MAX, min(TIME_MAX, time)) * 1_000_000


def _hours(duration: str) -> int:
    """A duration as InfluxDB writes it (`960h0m0s`, `0s` for ever) in whole hours."""
    found = re.match(r"(\d+)h", duration)
    return int(found[1]) if found else 0
