"""One write to an InfluxDB, in requests that the line and the server can handle.

A retry of the write does not send again what was written. After a timeout, the next request is smaller. A request that
is refused twice in unknown words is written in smaller and smaller parts, down to single lines. If the server takes
other lines, the refused lines are returned as refused points.
"""

from collections.abc import Callable, Sequence

from siaga.model.clock import Clock
from siaga.model.observation import Arrival, Point
from siaga.telemetry import RefusedPoint, StoreUnavailable
from siaga.telemetry.influx_connection import InfluxConnection, PartialWrite, Rejected, TimedOut, TooLarge
from siaga.telemetry.line_protocol import Lines, render_arrival
from siaga.telemetry.pace import Pace
from siaga.telemetry.packing import Packing
from siaga.telemetry.partial_write import Part, Settlement

__all__ = ["Writing"]


class Writing:
    """The lines and arrivals of one write. Each call continues where the last one stopped.

    `prove`: writes a point that every working server takes. If it raises `StoreUnavailable`, the lines are not at
    fault, and nothing is refused.
    """

    def __init__(
        self,
        connection: InfluxConnection,
        pace: Pace,
        packing: Packing,
        clock: Clock,
        lines: Lines,
        points: Sequence[Point],
        arrivals: Sequence[Arrival],
        prove: Callable[[], object],
    ) -> None:
        self._connection, self._pace, self._packing, self._clock = connection, pace, packing, clock
        self._renderer, self._prove = lines, prove
        self._lines, self._sound, flawed = lines.render(points)
        self._arrivals = arrivals
        self._refused = list(flawed)
        self._written = 0
        self._noted = 0
        self._rejected_at: int | None = None

    def __call__(self) -> Sequence[RefusedPoint]:
        """Write what is not written yet. Returns the refused points.

        Raises:
            StoreUnavailable: not everything could be written; call again later.
        """
        while self._written < len(self._lines):
            self._write_some()
        while self._noted < len(self._arrivals):
            self._note_some()
        return self._refused

    def _write_some(self) -> None:
        first = self._written
        end = min(first + self._pace.lines, first + self._packing.lines, len(self._lines))
        doubted = self._rejected_at == first
        try:
            answer = self._send(self._lines[first:end], "ms", lines_at_fault=doubted)
        except TooLarge:
            return  # the next request is smaller
        except Rejected:
            self._rejected_at = first
            raise
        if answer is not None:
            if doubted:
                self._prove()
            parts = [Part(point) for point in self._sound[first:end]]
            self._refused += Settlement(lambda parts: self._write_parts(parts, lines_at_fault=doubted)).after(
                parts, answer
            )
        self._written = end

    def _write_parts(self, parts: Sequence[Part], *, lines_at_fault: bool) -> PartialWrite | None:
        lines = [self._renderer.render_part(part.point, received=part.received) for part in parts]
        try:
            return self._send(lines, "ms", lines_at_fault=lines_at_fault)
        except TooLarge:
            return PartialWrite("the request is too large", None, None)

    def _note_some(self) -> None:
        """Write some arrivals. A refused arrival is returned as a refused point without values."""
        notes = self._arrivals[self._noted : self._noted + self._pace.lines]
        doubted = self._rejected_at == len(self._lines) + self._noted
        try:
            answer = self._send([render_arrival(note) for note in notes], "ns", lines_at_fault=doubted)
        except TooLarge:
            return
        except Rejected:
            self._rejected_at = len(self._lines) + self._noted
            raise
        if answer is not None:
            if doubted:
                self._prove()
            self._refused += [refused for note in notes if (refused := self._note_alone(note, lines_at_fault=doubted))]
        self._noted += len(notes)

    def _note_alone(self, note: Arrival, *, lines_at_fault: bool) -> RefusedPoint | None:
        answer = self._send([render_arrival(note)], "ns", lines_at_fault=lines_at_fault)
        if answer is None:
            return None
        lost = Point(note.village, note.gateway, note.first, note.received, {})
        return RefusedPoint(
            lost, f"the note that its data came late: {answer.reason}", for_good=not answer.series_limit
        )

    def _send(self, lines: Sequence[str], precision: str, *, lines_at_fault: bool) -> PartialWrite | None:
        """Send one request, and adapt the pace of the next.

        Raises:
            TooLarge: retry with smaller requests at once.
            StoreUnavailable: it is not certain what was written.
        """
        began = self._clock.monotonic()
        count = len(lines)
        within, packed = self._pace.allowed(count), self._packing.packs
        try:
            answer = self._connection.write(
                lines, precision, within=within, lines_at_fault=lines_at_fault, packed=packed
            )
        except TooLarge:
            self._pace.too_large(count)
            if count == 1:
                at = self._connection.address.base
                raise StoreUnavailable(f"InfluxDB at {at} refuses a single line as too large") from None
            raise
        except TimedOut as late:
            took = max(within, (self._clock.monotonic() - began) / 1000)
            self._pace.timed_out(count, took)
            self._packing.took(count, took, packed=packed)
            raise TimedOut(f"{late} ({count:,} lines within {within:.0f} s; the next request is smaller)") from None
        took = (self._clock.monotonic() - began) / 1000
        self._pace.took(count, took)
        self._packing.took(count, took, packed=packed)
        return answer
