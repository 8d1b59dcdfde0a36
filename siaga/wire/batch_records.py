"""Converts the SenML records of a batch, read as any JSON, into points.

What is usual is read by `siaga.wire.usual_batch` alone. There is a fast path here too, as a batch is not usual because
of one record: a name, an own or a base time, one value, of which some may be refused. A pack with any other feature of
SenML takes the general path through `siaga.wire.senml`. Tests prove that all give the same result.
"""

import json
import math
from collections.abc import Container
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, NamedTuple

from siaga.model.observation import Point
from siaga.model.signals import (
    INT_MAX,
    INT_MIN,
    SIGNALS,
    Plausible,
    RefusedValue,
    Signal,
    SignalType,
    Value,
    check_value,
    is_plausible,
)
from siaga.wire.refusal import sample
from siaga.wire.senml import LAST_TIME, MAX_BASE_NAME, RELATIVE_BELOW, BadRecord, RecordValue, is_name, resolve
from siaga.wire.topics import is_slug
from siaga.wire.usual_batch import HEARTBEAT

__all__ = ["MAX_DESCRIBED", "RefusedRecord", "TakenRecords", "take_records", "take_records_generally"]

MAX_DESCRIBED = 200
"""Refused records of one batch that are described at most; the others are counted."""

Kind = Literal["senml", "unknown_device", "unknown_signal", "wrong_value", "implausible"]


@dataclass(frozen=True, slots=True)
class RefusedRecord:
    """A record that is not stored. `kind`: the reason as a metric label. `reason`: a sentence."""

    kind: Kind
    reason: str
    sample: str


@dataclass(slots=True)
class TakenRecords:
    """The result: points, how many readings they have, refused records, and dropped values.

    `implausible`: by signal, how many values were dropped. `doubtful`: the first such record of each signal.
    """

    points: list[Point] = field(default_factory=list)
    readings: int = 0
    refused: list[RefusedRecord] = field(default_factory=list)
    refused_count: int = 0
    implausible: dict[str, int] = field(default_factory=dict)
    doubtful: list[RefusedRecord] = field(default_factory=list)

    def refuse(self, kind: Kind, reason: str, raw: object) -> None:
        """Count a refused record, and describe it if there is room."""
        self.refused_count += 1
        if len(self.refused) < MAX_DESCRIBED:
            self.refused.append(RefusedRecord(kind, reason, _sample(raw)))

    def drop(self, signal: str, value: Value, raw: object) -> None:
        """Count an implausible value, and describe the first of its signal."""
        if signal not in self.implausible:
            reason = f"{signal}: {value} is not plausible and was dropped"
            self.doubtful.append(RefusedRecord("implausible", reason, _sample(raw)))
        self.implausible[signal] = self.implausible.get(signal, 0) + 1


class _Refused(ValueError):
    def __init__(self, kind: Kind, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


def take_records(
    pack: object, village: str, received: int, devices: Container[str], *, finite: bool = True
) -> TakenRecords:
    """Returns the points of a batch's records. `finite`: all numbers in the JSON are known to be finite.

    Raises:
        UnreadablePack: the records are no SenML pack, or one that must not be accepted.
    """
    taken = TakenRecords()
    if finite and isinstance(pack, list) and _take_plainly(pack, village, received, devices, taken):
        return taken
    return take_records_generally(pack, village, received, devices)


def take_records_generally(pack: object, village: str, received: int, devices: Container[str]) -> TakenRecords:
    """Returns the same as `take_records`, on the general path.

    Raises:
        UnreadablePack: the records are no SenML pack, or one that must not be accepted.
    """
    taken = TakenRecords()
    device_before, time_before, values = "", -1, dict[str, Value]()
    for raw, record in resolve(pack, received):
        if isinstance(record, BadRecord):
            taken.refuse("senml", record.reason, raw)
            continue
        device, _, signal = record.name.partition("/")
        try:
            value = _checked(device, signal, record.value, devices)
        except _Refused as refused:
            taken.refuse(refused.kind, str(refused), raw)
            continue
        if not is_plausible(SIGNALS[signal], value):
            taken.drop(signal, value, raw)
            continue
        if device != device_before or record.time != time_before:
            device_before, time_before, values = device, record.time, {}
            taken.points.append(Point(village, device, record.time, received, values))
        values[signal] = value
        taken.readings += 1
    return taken


def _checked(device: str, signal: str, raw: RecordValue | None, devices: Container[str]) -> Value:
    """Returns the value as it is stored.

    Raises:
        _Refused: the village has no such device, there is no such signal, or it cannot have the value.
    """
    vocabulary = SIGNALS.get(signal)
    if vocabulary is None:
        raise _Refused("unknown_signal", f"{signal[:64]!r} is no signal")
    if signal == HEARTBEAT:
        if device in devices or not is_slug(device):
            raise _Refused("unknown_device", f"{device[:64]!r} is no gateway, and alive is a gateway's own")
    elif device not in devices:
        raise _Refused("unknown_device", f"{device[:64]!r} is no device of the village")
    try:
        return check_value(vocabulary, raw)
    except RefusedValue as error:
        raise _Refused("wrong_value", str(error)) from None


_Plain = tuple[type[Value], float, float, frozenset[float] | None]
"""Type, low, high, never: a JSON value of exactly this type, from low to high and not in `never`, is stored unchanged.

All other values take the general path. It is a bare tuple because that unpacks fastest.
"""


class _Shape(NamedTuple):
    """What a record's labels tell about it, computed once for all records with the same labels.

    `label`: that of the value. `plain`: the signals of this label. `timed`: it has a time. `based`: it sets the base
    name or time. `united`: it has a unit.
    """

    label: str
    plain: dict[str, _Plain]
    timed: bool
    based: bool
    united: bool


def _plain(signal: Signal, kind: type[Value]) -> _Plain:
    plausible = signal.plausible or Plausible(-math.inf)
    low, high = plausible.low, plausible.high
    if kind is int:
        low, high = max(low, INT_MIN), min(high, INT_MAX)
    return kind, low, high, plausible.never or None


# Signals by the label of their values. The heartbeat is not included: it has its own rule.
_AS_THEY_STAND: dict[str, dict[str, _Plain]] = {
    "v": {
        signal.name: _plain(signal, float if signal.type is SignalType.FLOAT else int)
        for signal in SIGNALS.values()
        if signal.type in (SignalType.FLOAT, SignalType.INT)
    },
    "vb": {
        signal.name: _plain(signal, bool)
        for signal in SIGNALS.values()
        if signal.type is SignalType.BOOL and signal.name != HEARTBEAT
    },
}


class _NoValue(int):
    """A type that no JSON value has."""


_NEITHER: _Plain = (_NoValue, math.inf, -math.inf, None)
"""The entry of an unknown signal, or of one that cannot have this label: no value matches."""
_JSON_TYPES: dict[str, tuple[type[Value], ...]] = {"v": (float, int), "vb": (bool,)}
_UNUSUAL = frozenset({"bu", "bv", "bs", "bver", "s", "ut", "vs", "vd"})


@lru_cache(maxsize=1024)
def _shape(labels: tuple[str, ...]) -> _Shape | None:
    """Returns the shape of records with these labels; `None` if they need the general path."""
    given = set(labels)
    values = given & _AS_THEY_STAND.keys()
    if len(values) != 1 or "n" not in given or given & _UNUSUAL or any(label[-1:] == "_" for label in given):
        return None
    label = values.pop()
    return _Shape(label, _AS_THEY_STAND[label], "t" in given, not given.isdisjoint({"bn", "bt"}), "u" in given)


def _take_plainly(  # noqa: C901, PLR0911, PLR0912, PLR0915 - the one hot loop: a call per record would halve its speed
    pack: list[object], village: str, received: int, devices: Container[str], taken: TakenRecords
) -> bool:
    """Convert the records on the fast path. Returns False if the pack needs the general path (`taken` is invalid)."""
    new_point, points = tuple.__new__, taken.points
    base_name, seconds_before, time = "", -1.0, -1
    base_time: float = 0
    known, device_before, time_before = "", "", -1
    values: dict[str, Value] = {}
    readings = 0
    for record in pack:
        if type(record) is not dict:
            return False

        shape = _shape(tuple(record))
        if shape is None:
            return False
        label, plain, timed, based, united = shape

        # 1. The base: name and time for this record and the following ones.
        if based:
            base_name, base_time = record.get("bn", base_name), record.get("bt", base_time)
            if type(base_name) is not str or len(base_name) > MAX_BASE_NAME:
                return False
            if type(base_time) is not float and type(base_time) is not int:
                return False

        # 2. The name: device and signal.
        name = record["n"]
        if type(name) is not str or (united and type(record["u"]) is not str):
            return False
        device, _, signal = (base_name + name).partition("/")

        # 3. The time, in whole ms. It is mostly the same as before.
        seconds = base_time
        if timed:
            offset = record["t"]
            if type(offset) is not float and type(offset) is not int:
                return False
            seconds = base_time + offset
        if seconds != seconds_before:
            if not RELATIVE_BELOW <= seconds < LAST_TIME:
                return False
            time, seconds_before = round(seconds * 1000), seconds

        # 4. The value. Unless it is clearly valid, the general rules decide.
        raw = record[label]
        wanted, low, high, never = plain.get(signal, _NEITHER)
        if device == known or device in devices:
            known = device
        else:
            wanted = _NoValue
        if type(raw) is wanted and low <= raw <= high and (never is None or raw not in never):
            value = raw
        elif wanted is float and type(raw) is int and low <= raw <= high and (never is None or raw not in never):
            value = float(raw)
        elif type(raw) not in _JSON_TYPES[label] or not is_name(base_name + name):
            return False
        else:
            try:
                value = _checked(device, signal, raw, devices)
            except _Refused as refused:
                taken.refuse(refused.kind, str(refused), record)
                continue
            if not is_plausible(SIGNALS[signal], value):
                taken.drop(signal, value, record)
                continue

        # 5. The point: this one or the next.
        if device == device_before and time == time_before:
            values[signal] = value
        else:
            device_before, time_before, values = device, time, {signal: value}
            points.append(new_point(Point, (village, device, time, received, values)))
        readings += 1
    taken.readings = readings
    return True


def _sample(raw: object) -> str:
    """Returns a sample of a record as it was sent."""
    try:
        return sample(json.dumps(raw, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace"))
    except RecursionError:
        return "(nested too deeply to be shown)"
