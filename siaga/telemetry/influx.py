"""The telemetry store on InfluxDB: line protocol and InfluxQL, which 1.x, 2.x, 3.x and openGemini all support.

Retention is set on a 1.x database's `autogen` policy (`influx_retention.py`). A bucket of InfluxDB 2 or 3, and a
default policy made by an administrator, keep their own duration.
"""

from collections.abc import Collection, Mapping, Sequence

from siaga.model.clock import HOUR, Clock, SystemClock
from siaga.model.observation import Arrival, Point, Recalled, Track, TrackKey
from siaga.model.signals import Value
from siaga.telemetry import RefusedPoint, SeriesPoint, StoreUnavailable, Write
from siaga.telemetry.influx_address import InfluxAddress
from siaga.telemetry.influx_connection import InfluxConnection
from siaga.telemetry.influx_reading import InfluxReading
from siaga.telemetry.influx_retention import InfluxRetention
from siaga.telemetry.influx_writing import Writing
from siaga.telemetry.line_protocol import Lines
from siaga.telemetry.pace import Pace
from siaga.telemetry.packing import Packing
from siaga.telemetry.refusal import united

__all__ = ["InfluxStore"]

CHECK = "siaga_check"
"""The measurement of test points, which show that the server takes writes."""


class InfluxStore:
    """A `TelemetryStore`. Every call is one attempt, plus what a partial refusal needs. The caller retries."""

    def __init__(self, connection: InfluxConnection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self._lines = Lines()
        self._pace = Pace()
        self._packing = Packing(clock)
        self._reading = InfluxReading(connection, clock)
        self._retention = InfluxRetention(connection, self._reading)

    @classmethod
    def open(cls, url: str, clock: Clock | None = None) -> "InfluxStore":
        """Returns the store of a URL, without connecting. `clock`: for the age of `drop_before`'s time.

        Raises:
            ValueError: the URL is not an InfluxDB's.
        """
        return cls(InfluxConnection(InfluxAddress.read(url)), clock or SystemClock())

    def write(self, points: Sequence[Point], arrivals: Sequence[Arrival] = ()) -> Sequence[RefusedPoint]:
        """See `TelemetryStore.write`."""
        return self.prepare(points, arrivals)()

    def prepare(self, points: Sequence[Point], arrivals: Sequence[Arrival] = ()) -> Write:
        """See `TelemetryStore.prepare`. A retry does not send again what an earlier call has written."""
        writing = Writing(
            self._connection,
            self._pace,
            self._packing,
            self._clock,
            self._lines,
            united(points),
            arrivals,
            self.prove_write,
        )

        def write() -> Sequence[RefusedPoint]:
            try:
                return writing()
            finally:
                self._reading.forget_fields()  # a new field must be readable at once

        return write

    def prove_write(self) -> int:
        """Write a point of the measurement `siaga_check`, the same one within an hour. Returns its event time.

        Raises:
            StoreUnavailable: the server did not take it; the sentence says what it answered.
        """
        time = self._clock.now() // HOUR * HOUR
        answer = self._connection.write([f"{CHECK} ok=true {time}"], "ms")
        if answer is not None and not answer.series_limit:  # a database at its limit still takes its existing series
            at = self._connection.address
            raise StoreUnavailable(f"InfluxDB at {at.base} takes no point into {at.database!r}: {answer.reason}")
        return time

    def latest(
        self, village: str, device: str, *, known: Mapping[TrackKey, int] | None = None
    ) -> Mapping[str, tuple[int, Value]]:
        """See `TelemetryStore.latest`."""
        found = self._reading.latest([village], device, None if known is None else {village: known})[village]
        return {signal: observed for (_, signal), observed in found.items()}

    def latest_of_village(self, village: str) -> Mapping[TrackKey, tuple[int, Value]]:
        """See `TelemetryStore.latest_of_village`."""
        return self._reading.latest([village])[village]

    def first_times(self, village: str, *, known: Mapping[TrackKey, int] | None = None) -> Mapping[TrackKey, int]:
        """See `TelemetryStore.first_times`."""
        return self._reading.first_times(village, known)

    def tracks(
        self,
        village: str,
        start: int,
        end: int,
        *,
        signals: Collection[str] | None = None,
    ) -> Mapping[TrackKey, Track]:
        """See `TelemetryStore.tracks`."""
        return self._reading.tracks([village], (start, end), signals)[village] if start < end else {}

    def recall(
        self,
        villages: Sequence[str],
        start: int,
        end: int,
        *,
        signals: Collection[str] | None = None,
        known: Mapping[str, Mapping[TrackKey, int]] | None = None,
    ) -> Mapping[str, Recalled]:
        """See `TelemetryStore.recall`."""
        return self._reading.recall(villages, (start, end), signals, known)

    def series(self, village: str, device: str, signal: str, start: int, end: int, step: int) -> Sequence[SeriesPoint]:
        """See `TelemetryStore.series`."""
        return self._reading.series(village, device, signal, (start, end), step)

    def arrivals(self, since: int) -> Sequence[Arrival]:
        """See `TelemetryStore.arrivals`."""
        return self._reading.arrivals(since)

    def is_empty(self) -> bool:
        """See `TelemetryStore.is_empty`. InfluxDB says which fields it holds without reading any value."""
        return self._reading.is_empty()

    def drop_before(self, time: int) -> None:
        """See `TelemetryStore.drop_before`. Sets the duration of the policy `autogen`, if there is one."""
        self._retention.keep(self._clock.now() - time)

    def thin(self, before: int) -> None:
        """See `TelemetryStore.thin`. Only of an InfluxDB 1 with its policy `autogen`."""
        self._retention.thin(before, self._clock.now())

    def shows_after(self) -> int:
        """See `TelemetryStore.shows_after`. Known once the server has answered anything."""
        return self._connection.shows_after

    def kept_for(self) -> int | None:
        """See `TelemetryStore.kept_for`: the duration of the default retention policy."""
        return self._retention.kept_for()

    def check(self) -> None:
        """See `TelemetryStore.check`. Runs a query and writes a point."""
        self._reading.check()
        self.prove_write()

    def close(self) -> None:
        """See `TelemetryStore.close`."""
        self._connection.close()
