"""Renders points as InfluxDB's line protocol. Pure, and fast, because every reading of a district passes through it.

Every line must be valid: InfluxDB 2 refuses a whole request because of one malformed line, and openGemini drops such a
line silently.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import compress
from zlib import crc32

import orjson

from siaga.model.observation import Arrival, Point
from siaga.model.signals import INT_MAX, INT_MIN, SIGNALS, RefusedValue, Signal, SignalType, Value, check_value
from siaga.telemetry import SeriesPoint
from siaga.telemetry.refusal import TIME_MAX, RefusedPoint, sift

__all__ = ["ARRIVAL", "HOURLY", "RECEIVED", "TELEMETRY", "Lines", "render_arrival", "render_summary"]

TELEMETRY = "telemetry"
"""The measurement of readings."""
ARRIVAL = "arrival"
"""The measurement of arrivals, the notes of late data."""
HOURLY = "telemetry_hourly"
"""The measurement of what is left of readings that retention deleted: a point for each hour and signal."""
RECEIVED = "received"
"""The field with the received time, Unix seconds."""

PREFIXES_MAX = 200_000
"""Devices whose escaped prefix is cached: about 30 MB. A country has more; then the cache is cleared and refilled."""

SHAPES_MAX = 10_000
"""Combinations of signals that are cached. A real district has some dozens."""


def _text_of(signal: Signal) -> Callable[[Value], str]:
    """Returns the function that renders a signal's field: `gate_open=true`, `clients=3i`, `power=2.5`.

    A value without exactly the signal's type is passed to `check_value`, which converts it or raises `RefusedValue`.
    """
    name = signal.name
    match signal.type:
        case SignalType.BOOL:
            true, false = f"{name}=true", f"{name}=false"

            def flag(value: Value) -> str:
                if value is True:
                    return true
                return false if value is False or not check_value(signal, value) else true

            return flag
        case SignalType.FLOAT:

            def number(value: Value) -> str:
                if type(value) is not float or value - value != 0.0:  # the second is true for infinity and NaN only
                    value = check_value(signal, value)
                return f"{name}={value!r}"

            return number
        case SignalType.INT:

            def whole(value: Value) -> str:
                if type(value) is not int or not INT_MIN <= value <= INT_MAX:
                    value = check_value(signal, value)
                return f"{name}={value}i"

            return whole
        case SignalType.EVENT:
            return lambda value: f"{name}={check_value(signal, value)}i"


_TEXTS: Mapping[str, Callable[[Value], str]] = {name: _text_of(signal) for name, signal in SIGNALS.items()}
_WRITTEN_ALIKE: Mapping[object, type] = {
    name: bool if signal.type is SignalType.BOOL else float
    for name, signal in SIGNALS.items()
    if signal.type in (SignalType.BOOL, SignalType.FLOAT)
}
"""The signals whose values look the same in JSON and in line protocol, and the type of those values."""
_ESCAPES = str.maketrans({",": "\\,", " ": "\\ ", "=": "\\="})


class Lines:
    """Renders points, and caches the escaped measurement and tags of each device. Thread-safe."""

    def __init__(self) -> None:
        self._prefixes: dict[tuple[str, str], str] = {}
        self._alike: dict[tuple[object, ...], bool] = {}

    def render(self, points: Sequence[Point]) -> tuple[list[str], Sequence[Point], list[RefusedPoint]]:
        """Returns a line (timestamp in ms) for each point that can be stored, those points, and the refused ones."""
        try:
            return self._render_sound(points), points, []
        except (RefusedValue, KeyError):  # some value is not valid: check each
            sound, refused = sift(points)
            return self._render_sound(sound), sound, refused

    def _render_sound(self, points: Sequence[Point]) -> list[str]:
        prefixes, lines = self._prefixes, []
        last_received, seconds = None, ""
        for (village, device, time, received, _), fields in zip(points, self._fields(points), strict=True):
            prefix = prefixes.get((village, device)) or self._prefix(village, device)
            if received != last_received:  # all points of a batch have the same
                last_received, seconds = received, f",{RECEIVED}={received / 1000!r} "
            if not fields or not -TIME_MAX <= time <= TIME_MAX:
                raise RefusedValue("a point without values, or of an impossible time")
            lines.append(f"{prefix}{fields}{seconds}{time}")
        return lines

    def _fields(self, points: Sequence[Point]) -> list[str]:
        """Returns the fields of each point. Most are rendered by one JSON call, three times as fast.

        `{"gate_open":true,"power":2.5}` differs from `gate_open=true,power=2.5` only in punctuation. This holds for
        booleans and floats. An integer has a suffix in line protocol, and a value of another type must be checked.
        """
        values_of = [values for _, _, _, _, values in points]
        alike = self._alike
        by_json = []
        for values in values_of:
            shape = (*values, *map(type, values.values()))
            json = alike.get(shape)
            by_json.append(self._judge(shape) if json is None else json)
        text = orjson.dumps(list(compress(values_of, by_json)))
        if b"null" in text:
            raise RefusedValue("a number is not finite")
        rendered = text[2:-2].translate(None, b'"').replace(b":", b"=").decode().split("},{")
        if all(by_json):
            return rendered if by_json else []
        remaining = iter(rendered)
        return [
            next(remaining) if json else ",".join([_TEXTS[name](value) for name, value in values.items()])
            for values, json in zip(values_of, by_json, strict=True)
        ]

    def _judge(self, shape: tuple[object, ...]) -> bool:
        """Returns whether points of this shape (names, then types of values) look the same in JSON. It is cached."""
        half = len(shape) // 2
        alike = half > 0 and all(
            _WRITTEN_ALIKE.get(name) is kind for name, kind in zip(shape[:half], shape[half:], strict=True)
        )
        if len(self._alike) >= SHAPES_MAX:
            self._alike.clear()
        self._alike[shape] = alike
        return alike

    def render_part(self, point: Point, *, received: bool) -> str:
        """Returns the line of a valid point. `received`: include that field."""
        fields = [_TEXTS[name](value) for name, value in point.values.items()]
        if received:
            fields.append(f"{RECEIVED}={point.received / 1000!r}")
        return f"{self._prefix(point.village, point.device)}{','.join(fields)} {point.time}"

    def _prefix(self, village: str, device: str) -> str:
        if len(self._prefixes) >= PREFIXES_MAX:
            self._prefixes.clear()
        prefix = f"{TELEMETRY},village={_tag(village)},device={_tag(device)} "
        self._prefixes[village, device] = prefix
        return prefix


def render_arrival(arrival: Arrival) -> str:
    """Returns the line of an arrival, timestamp in ns.

    The timestamp's part below the millisecond is a checksum of the arrival's period. So two arrivals of one gateway in
    one millisecond stay separate, and one that is written again stays one.
    """
    touched = crc32(f"{arrival.first},{arrival.last}".encode()) % 1_000_000
    return (
        f"{ARRIVAL},village={_tag(arrival.village)},gateway={_tag(arrival.gateway)} "
        f"first={arrival.first}i,last={arrival.last}i {arrival.received * 1_000_000 + touched}"
    )


def render_summary(village: str, device: str, signal: str, point: SeriesPoint) -> str:
    """Returns the line of a signal's summary of an hour, timestamp in ms."""
    return (
        f"{HOURLY},village={_tag(village)},device={_tag(device)},signal={signal} count={point.count}i,"
        f"minimum={point.minimum!r},mean={point.mean!r},maximum={point.maximum!r},last={point.last!r} {point.time}"
    )


def _tag(value: str) -> str:
    """Returns a tag's value, escaped. Valid names need no escape, but others must not break the line.

    Raises:
        RefusedValue: it is empty, or has a control character or a backslash, which cannot be escaped.
    """
    if not value or "\\" in value or not value.isprintable():
        raise RefusedValue(f"{value[:40]!r} is not a name")
    return value.translate(_ESCAPES)
