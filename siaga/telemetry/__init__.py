"""The telemetry store: one interface, an embedded implementation and one for InfluxDB.

store = open_store("duckdb:////var/lib/siaga/telemetry.duckdb")
store = open_store("influxdb://user:password@127.0.0.1:8086/-/siaga")
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from siaga.model.observation import Arrival, Point, Track, TrackKey
from siaga.model.signals import Value
from siaga.telemetry.refusal import RefusedPoint

__all__ = [
    "Memory",
    "RefusedPoint",
    "SeriesPoint",
    "StoreUnavailable",
    "TelemetryStore",
    "Write",
    "open_store",
]


Write = Callable[[], Sequence[RefusedPoint]]
"""One write, made ready: a call stores it and answers what was refused. One that failed may be called again."""


class StoreUnavailable(Exception):
    """The store cannot be reached or cannot take data now; the same call may succeed later. Says what and where."""


@dataclass(frozen=True, slots=True)
class SeriesPoint:
    """One step of a downsampled series: booleans count as 0 and 1. `time` is the step's start, in milliseconds."""

    time: int
    count: int
    minimum: float
    mean: float
    maximum: float
    last: float


@dataclass(frozen=True, slots=True)
class Memory:
    """What a starting engine reads of one village: the observations of a window, and the first and last of all time."""

    tracks: Mapping[TrackKey, Track]
    latest: Mapping[TrackKey, tuple[int, Value]]
    first: Mapping[TrackKey, int]


class TelemetryStore(Protocol):
    """Keeps every reading once, under its event time, with the time the centre got it.

    All times are milliseconds. Every method may raise `StoreUnavailable`. Safe to call from several threads.
    """

    def write(self, points: Sequence[Point], arrivals: Sequence[Arrival] = ()) -> Sequence[RefusedPoint]:
        """Store the points durably; when this returns they survive a power cut.

        Writing a point again changes nothing. Of two values of one signal at one time the later written stays, and
        signals of one device at one time that come in several points share one stored point. The refused points are
        answered; all others are stored. Arrivals are stored with them: when this returns both are
        durable; a crash before may leave an arrival without its data, never the other way round.
        """
        ...

    def prepare(self, points: Sequence[Point], arrivals: Sequence[Arrival] = ()) -> Write:
        """`write` in two steps: here the work that needs no store, in the call that is answered the rest.

        So one thread can make a write ready while another waits for the store to take the one before.
        """
        ...

    def latest(
        self, village: str, device: str, *, known: Mapping[TrackKey, int] | None = None
    ) -> Mapping[str, tuple[int, Value]]:
        """The last value of each signal of a device and its event time; a signal never heard is absent.

        `known`: the first time of each of its tracks, if the caller has them all but for the newest. A store that
        cannot be asked about all of its time at once (InfluxDB 3) then looks back no further than it needs to.
        """
        ...

    def latest_of_village(self, village: str) -> Mapping[TrackKey, tuple[int, Value]]:
        """The same for all devices of a village (its gateways' `alive` among them)."""
        ...

    def first_times(self, village: str, *, known: Mapping[TrackKey, int] | None = None) -> Mapping[TrackKey, int]:
        """When each signal of each device of a village was first reported.

        `known` as in `latest`: such a store then answers these, and the caller finds new ones where it reads.
        """
        ...

    def tracks(
        self,
        village: str,
        start: int,
        end: int,
        *,
        signals: Collection[str] | None = None,
    ) -> Mapping[TrackKey, Track]:
        """All observations of a village with event time in `[start, end)`, by device and signal.

        Who judges asks from so far back that what may still hold is among them (`siaga.timeline.judge.reach`): the last
        observation alone would not do, as a last will before it, or an event before a zero, bears on it too. `signals`
        restricts them. Values have the type of their signal. The gateways' `alive` is among them.
        """
        ...

    def recall(
        self,
        villages: Sequence[str],
        start: int,
        end: int,
        *,
        signals: Collection[str] | None = None,
        known: Mapping[str, Mapping[TrackKey, int]] | None = None,
    ) -> Mapping[str, Memory]:
        """`tracks`, `latest_of_village` and `first_times` of several villages in one request: each of them is there.

        It costs a third of asking for each alone, and an engine that starts asks for thousands. `known` as in
        `latest`, by village.
        """
        ...

    def series(self, village: str, device: str, signal: str, start: int, end: int, step: int) -> Sequence[SeriesPoint]:
        """A signal in `[start, end)` for a chart, reduced by the store to one point a `step`; empty steps are left out.

        Steps begin at multiples of `step` since the Unix epoch.
        """
        ...

    def arrivals(self, since: int) -> Sequence[Arrival]:
        """The arrivals noted with `received >= since`, in order of `received`."""
        ...

    def drop_before(self, time: int) -> None:
        """Retention: telemetry with an event time before `time` may be deleted by the store, now or soon."""
        ...

    def check(self) -> None:
        """Return if the store can be written to and read, a window of time as all questions ask for; else raise
        `StoreUnavailable`."""
        ...

    def close(self) -> None:
        """Let go of files and connections. The store is not used afterwards."""
        ...


def open_store(url: str) -> TelemetryStore:
    """The store of a `SIAGA_STORE_URL`: `duckdb:///PATH`, `influxdb://…` or `influxdbs://…`.

    The InfluxDB store does not connect before its first call.

    Raises:
        ValueError: the URL is of none of these forms; the sentence says which form is expected.
        StoreUnavailable: the DuckDB file is in use by another process or cannot be opened.
    """
    scheme = url.partition("://")[0]
    if scheme == "duckdb":
        from siaga.telemetry.duck import DuckStore  # noqa: PLC0415 - DuckDB is large: loaded where it is used

        return DuckStore.open(url)
    if scheme in ("influxdb", "influxdbs"):
        from siaga.telemetry.influx import InfluxStore  # noqa: PLC0415

        return InfluxStore.open(url)
    raise ValueError(
        f"store URL {scheme}://…: expected duckdb:///PATH, influxdb://:TOKEN@HOST:8086/ORG/BUCKET "
        "or influxdb://USER:PASSWORD@HOST:8086/-/DATABASE"
    )
