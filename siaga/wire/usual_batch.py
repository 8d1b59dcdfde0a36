"""Reads the usual batch straight into typed records: what a gateway sends, or another program with full names.

The decoder checks labels and types while it reads, and makes no dictionary of a record: half of the work of reading the
text as any JSON. Whatever is not usual is not read here: another label or type, an unknown device, an implausible
value, a relative time. `siaga.wire.batch` then reads the batch as any JSON. Both ways have the same result, as a test
proves.
"""

import math
from collections.abc import Container
from typing import Final, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from siaga.model.observation import Point
from siaga.model.signals import INT_MAX, INT_MIN, SIGNALS, Plausible, Signal, SignalType, Value
from siaga.wire.senml import LAST_TIME, RELATIVE_BELOW
from siaga.wire.topics import is_slug

__all__ = ["HEARTBEAT", "UsualBatch", "read_usual"]

HEARTBEAT: Final = "alive"
"""The signal of gateways, which no device may have."""
LONGEST = 1 << 20
"""Bytes of a text that is read here at most. What a longer one holds is counted before it is read."""
BEGINNING = 256
"""Bytes at the beginning of a batch within which its first base name stands, if it has one."""
NAMED_MAX = 20_000
"""Full names that are kept (5 MB). One more, and they are cleared and filled again."""


class UsualBatch(NamedTuple):
    """A batch as it was read. `sent`: Unix seconds; `None` if it does not say."""

    epoch: str
    seq: int
    sent: float | None
    points: list[Point]
    readings: int


class _Base(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """A record of a pack with base names. What is absent is `UNSET`, and `null` is of no type here."""

    n: str
    v: float | int | UnsetType = UNSET
    vb: bool | UnsetType = UNSET
    bn: str | UnsetType = UNSET
    bt: float | int | UnsetType = UNSET
    u: str = ""


class _Full(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """A record with its full name and its own time."""

    n: str
    t: float | int
    v: float | int | UnsetType = UNSET
    vb: bool | UnsetType = UNSET
    u: str = ""


class _BaseBatch(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    epoch: str
    seq: int
    senml: list[_Base]
    sent: float | int | None = None


class _FullBatch(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    epoch: str
    seq: int
    senml: list[_Full]
    sent: float | int | None = None


_read_base = msgspec.json.Decoder(_BaseBatch).decode
_read_full = msgspec.json.Decoder(_FullBatch).decode


_Number = tuple[type[Value], float, float, frozenset[float] | None]
"""Type, low, high, never: a value of exactly this type, from low to high and not in `never`, is stored unchanged."""


def _number(signal: Signal) -> _Number:
    plausible = signal.plausible or Plausible(-math.inf)
    never = plausible.never or None
    if signal.type is SignalType.FLOAT:
        return float, float(plausible.low), float(plausible.high), never
    return int, max(plausible.low, INT_MIN), min(plausible.high, INT_MAX), never


_Numbers = dict[str, _Number]
_OF_DEVICES: tuple[_Numbers, frozenset[str]] = (
    {name: _number(each) for name, each in SIGNALS.items() if each.type in (SignalType.FLOAT, SignalType.INT)},
    frozenset(name for name, each in SIGNALS.items() if each.type is SignalType.BOOL and name != HEARTBEAT),
)
"""The numbers and the flags that a device may have."""
_OF_GATEWAYS: tuple[_Numbers, frozenset[str]] = {}, frozenset({HEARTBEAT})
_OF_NOBODY: tuple[_Numbers, frozenset[str]] = {}, frozenset()


class _NoValue(int):
    """A type that no value has."""


_UNKNOWN: _Number = (_NoValue, math.inf, -math.inf, None)
_named: dict[str, tuple[str, str]] = {}
"""Device and signal of full names; the same in all villages."""


def read_usual(text: bytes, village: str, received: int, devices: Container[str]) -> UsualBatch | None:
    """Returns the batch; `None` if it is not usual, which says nothing of whether it is right.

    Whether epoch, number and time are right is not judged.
    """
    if len(text) > LONGEST:
        return None
    batch: _BaseBatch | _FullBatch
    try:
        if b'"bn"' in text[:BEGINNING]:
            batch = _read_base(text)
            points = _from_base(batch.senml, village, received, devices)
        else:
            batch = _read_full(text)
            points = _from_full(batch.senml, village, received, devices)
    except (msgspec.MsgspecError, OverflowError, RecursionError):
        return None
    return None if points is None else UsualBatch(batch.epoch, batch.seq, batch.sent, points, len(batch.senml))


def _from_base(  # noqa: C901, PLR0911, PLR0912 - a hot loop: a call per record would halve its speed
    records: list[_Base], village: str, received: int, devices: Container[str]
) -> list[Point] | None:
    """Returns the points of a pack with base names; `None` if it is not usual."""
    new_point, points = tuple.__new__, list[Point]()
    numbers, flags = _OF_NOBODY
    base_before, device, seconds, time, another = "", "", 0.0, -1, True
    values: dict[str, Value] = {}
    for record in records:
        base, begun, signal, value = record.bn, record.bt, record.n, record.v

        # 1. The point: another base name or time begins another.
        if base is not UNSET and base != base_before:
            base_before, device, another = base, base[:-1], True
            numbers, flags = _OF_DEVICES if device in devices else _OF_GATEWAYS
            if base[-1:] != "/" or (flags is _OF_GATEWAYS[1] and not is_slug(device)):
                return None
        if begun is not UNSET and begun != seconds:
            if not RELATIVE_BELOW <= begun < LAST_TIME:
                return None
            seconds, moment = begun, round(begun * 1000)
            if moment != time:
                time, another = moment, True

        # 2. The value, which the device may have.
        if value is UNSET:
            value = record.vb
            if value is UNSET or signal not in flags:
                return None
        else:
            wanted, low, high, never = numbers.get(signal, _UNKNOWN)
            if type(value) is not wanted and wanted is float:
                value = float(value)
            if type(value) is not wanted or not low <= value <= high or record.vb is not UNSET:
                return None
            if never is not None and value in never:
                return None

        if another:
            if time < 0:
                return None
            values, another = {signal: value}, False
            points.append(new_point(Point, (village, device, time, received, values)))
        else:
            values[signal] = value
    return points


def _from_full(  # noqa: C901, PLR0912 - as above
    records: list[_Full], village: str, received: int, devices: Container[str]
) -> list[Point] | None:
    """Returns the points of a pack with full names; `None` if it is not usual."""
    new_point, points, named = tuple.__new__, list[Point](), _named
    numbers, flags = _OF_NOBODY
    device_before, seconds, time, another = "", 0.0, -1, True
    values: dict[str, Value] = {}
    for record in records:
        begun, value = record.t, record.v
        device, signal = named.get(record.n) or _split(record.n)

        # 1. The point: another device or time begins another.
        if device != device_before:
            device_before, another = device, True
            numbers, flags = _OF_DEVICES if device in devices else _OF_GATEWAYS
            if flags is _OF_GATEWAYS[1] and not is_slug(device):
                return None
        if begun != seconds:
            if not RELATIVE_BELOW <= begun < LAST_TIME:
                return None
            seconds, moment = begun, round(begun * 1000)
            if moment != time:
                time, another = moment, True

        # 2. The value, which the device may have.
        if value is UNSET:
            value = record.vb
            if value is UNSET or signal not in flags:
                return None
        else:
            wanted, low, high, never = numbers.get(signal, _UNKNOWN)
            if type(value) is not wanted and wanted is float:
                value = float(value)
            if type(value) is not wanted or not low <= value <= high or record.vb is not UNSET:
                return None
            if never is not None and value in never:
                return None

        if another:
            values, another = {signal: value}, False
            points.append(new_point(Point, (village, device, time, received, values)))
        else:
            values[signal] = value
    return points


def _split(name: str) -> tuple[str, str]:
    """Returns device and signal of a full name, and keeps them."""
    device, _, signal = name.partition("/")
    if signal in SIGNALS and is_slug(device):
        if len(_named) >= NAMED_MAX:
            _named.clear()
        _named[name] = device, signal
    return device, signal
