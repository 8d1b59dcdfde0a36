"""The telemetry store: one interface with two implementations, embedded DuckDB and InfluxDB.

store = open_store("duckdb:////var/lib/siaga/telemetry.duckdb")
store = open_store("influxdb://user:password@127.0.0.1:8086/-/siaga")
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from siaga.model.clock import DAY
from siaga.model.observation import Arrival, Point, Recalled, Track, TrackKey
from siaga.model.signals import Value
from siaga.telemetry.refusal import RefusedPoint

__all__ = [
    "SHORTEST_KEPT",
    "RefusedPoint",
    "SeriesPoint",
    "StoreUnavailable",
    "TelemetryStore",
    "Write",
    "open_store",
]


SHORTEST_KEPT = 35 * DAY
"""ms for which telemetry is kept at least: of less, a month's report cannot be judged again."""

Write = Callable[[], Sequence[RefusedPoint]]
"""A prepared write. A call stores it and returns the refused points. After a failure it may be called again."""


class StoreUnavailable(Exception):
    """The store cannot be reached, or cannot take data now. The same call may succeed later.

    The message is a sentence that says what and where.
    """


@dataclass(frozen=True, slots=True)
class SeriesPoint:
    """One step of a downsampled series. `time`: the step's start, ms. Booleans count as 0 and 1."""

    time: int
    count: int
    minimum: float
    mean: float
    maximum: float
    last: float


class TelemetryStore(Protocol):
    """Stores every reading once, under its event time, with its received time.

    All times are ms. Every method may raise `StoreUnavailable`. Thread-safe.
    """

    def write(self, points: Sequence[Point], arrivals: Sequence[Arrival] = ()) -> Sequence[RefusedPoint]:
        """Store points and arrivals durably: when this returns, they survive a power cut. Returns the refused points.

        It is idempotent. Of two values of one signal at one time, the one written later stays. Points of one device at
        one time share one stored point. A crash during the call may leave an arrival without its data, but never data
        without its arrival.
        """
        ...

    def prepare(self, points: Sequence[Point], arrivals: Sequence[Arrival] = ()) -> Write:
        """Prepare a write: do the work that needs no store. Returns a function that does the rest.

        So one thread can prepare a write while another waits for the store.
        """
        ...

    def latest(
        self, village: str, device: str, *, known: Mapping[TrackKey, int] | None = None
    ) -> Mapping[str, tuple[int, Value]]:
        """Returns the last event time and value of each signal of a device. A signal never reported is absent.

        `known`: the first time of each of its tracks, if the caller has them (except new ones). A store that cannot
        query all of its time at once (InfluxDB 3) then searches only as far back as necessary.
        """
        ...

    def latest_of_village(self, village: str) -> Mapping[TrackKey, tuple[int, Value]]:
        """Returns the same for all devices of a village, including its gateways' `alive`."""
        ...

    def first_times(self, village: str, *, known: Mapping[TrackKey, int] | None = None) -> Mapping[TrackKey, int]:
        """Returns when each signal of each device of a village was first reported.

        `known`: as in `latest`. Such a store then returns them unchanged, and the caller finds new ones as it reads.
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
        """Returns all observations of a village with event time in `[start, end)`, by device and signal.

        They include the gateways' `alive`. Values have the type of their signal. `signals`: return only these.

        For a judgement, `start` must be early enough to include observations that are still valid
        (`siaga.timeline.judge.reach`). The last observation alone is not enough: a last will before it, or an event
        before a zero, matters too.
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
    ) -> Mapping[str, Recalled]:
        """Returns `tracks`, `latest_of_village` and `first_times` of several villages, with an entry for each.

        A starting engine needs thousands of villages, and one request for several costs a third of single requests.
        `known`: as in `latest`, by village.
        """
        ...

    def series(self, village: str, device: str, signal: str, start: int, end: int, step: int) -> Sequence[SeriesPoint]:
        """Returns a signal in `[start, end)`, downsampled by the store to a point per `step`. Empty steps are left out.

        Steps begin at multiples of `step` since the Unix epoch. Where `thin` left only summaries, each counts at the
        start of its hour.
        """
        ...

    def arrivals(self, since: int) -> Sequence[Arrival]:
        """Returns the arrivals with `received >= since`, in order of `received`."""
        ...

    def is_empty(self) -> bool:
        """Returns whether no reading was ever stored, or all have been deleted."""
        ...

    def drop_before(self, time: int) -> None:
        """The store deletes telemetry with an event time before `time`, now or soon."""
        ...

    def thin(self, before: int) -> None:
        """Apply retention: of telemetry with an event time before `before` only a summary of each hour stays.

        `series` answers from summaries and readings. The store deletes the readings now or soon. May be repeated. A
        server that keeps telemetry by its own settings alone (InfluxDB 2 and 3, openGemini, a default policy of an
        administrator) is left as it is.
        """
        ...

    def shows_after(self) -> int:
        """Returns how long after a write is durable a query may not show it yet, ms; 0: it shows it at once."""
        ...

    def kept_for(self) -> int | None:
        """Returns how long the store keeps telemetry by a setting of its own, ms; `None`: for ever, or unknown."""
        ...

    def check(self) -> None:
        """Check that the store can be written, and read with a query like all others.

        Raises:
            StoreUnavailable: it cannot.
        """
        ...

    def close(self) -> None:
        """Close files and connections. The store must not be used afterwards."""
        ...


def open_store(url: str) -> TelemetryStore:
    """Returns the store of a `SIAGA_STORE_URL`: `duckdb:///PATH`, `influxdb://…` or `influxdbs://…`.

    The InfluxDB store does not connect before its first call.

    Raises:
        ValueError: the URL has another form; the sentence says which is expected.
        StoreUnavailable: the DuckDB file is in use by another process, or cannot be opened.
    """
    scheme = url.partition("://")[0]
    if scheme == "duckdb":
        from siaga.telemetry.duck import DuckStore  # noqa: PLC0415 - DuckDB is large, so it is loaded on demand

        return DuckStore.open(url)
    if scheme in ("influxdb", "influxdbs"):
        from siaga.telemetry.influx import InfluxStore  # noqa: PLC0415

        return InfluxStore.open(url)
    raise ValueError(
        f"store URL {scheme}://…: expected duckdb:///PATH, influxdb://:TOKEN@HOST:8086/ORG/BUCKET "
        "or influxdb://USER:PASSWORD@HOST:8086/-/DATABASE"
    )
