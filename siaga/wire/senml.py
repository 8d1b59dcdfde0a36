"""SenML packs (RFC 8428, in JSON): reads them into resolved records, and builds them.

`resolve` applies the base fields (`bn bt bu bv bs bver`), makes relative times absolute, and adds base sums. It raises
if the whole pack is unreadable. A single bad record is returned as `BadRecord`, and the others are kept.
"""

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from siaga.wire.json_text import UnreadableJson, read_json

__all__ = [
    "MAX_BASE_NAME",
    "MAX_RECORDS",
    "RELATIVE_BELOW",
    "VERSION",
    "BadRecord",
    "Record",
    "RecordValue",
    "UnreadablePack",
    "build_pack",
    "is_name",
    "read_pack",
    "resolve",
]

VERSION = 10
"""The version that RFC 8428 defines. A pack of a later version may have another meaning."""
RELATIVE_BELOW = 2**28
"""A time below this many seconds (July 1978) is relative to now (RFC 8428, section 4.5.3)."""
LAST_TIME = 9_223_372_036
"""The end of InfluxDB's times in Unix seconds (April 2262): they are 64-bit nanoseconds."""
MAX_BASE_NAME = 1_000
"""Characters of a base name at most. It is prepended to every name, so a base name of megabytes would take hours."""
MAX_RECORDS = 500_000
"""Records of one pack at most: 16 MB cannot hold more records with a name, a time and a value."""

# RFC 8428, section 4.5.1
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9:./_-]*", re.ASCII)
_VALUES = ("v", "vb", "vs", "vd")
_BASES = frozenset({"bn", "bt", "bu", "bv", "bs", "bver"})
_FIELDS = frozenset({"n", "u", "s", "t", "ut", *_VALUES})

RecordValue = bool | int | float | str


class UnreadablePack(ValueError):
    """A pack is refused as a whole. The message is a sentence."""


class Record(NamedTuple):
    """A resolved record.

    `time`: event time, ms. `timed`: the record or its base had a time.
    `value`: a number, a boolean or a text (`vs`, or `vd` as it was sent); `None` if there is only a `sum`.
    """

    name: str
    time: int
    value: RecordValue | None
    unit: str | None = None
    sum: float | None = None
    timed: bool = True


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record that breaks the rules. `reason`: a sentence."""

    reason: str


class _Broken(ValueError):
    """A record breaks the rules."""


@dataclass(slots=True)
class _Base:
    """The current base fields."""

    name: str = ""
    time: float = 0
    timed: bool = False
    unit: str | None = None
    value: float | None = None
    sum: float | None = None
    version: int | None = None


def is_name(text: str) -> bool:
    """Returns whether a record can have this name: letters, digits and `- : . / _`, a letter or digit first."""
    return _NAME.fullmatch(text) is not None


def read_pack(payload: bytes, now: int) -> list[Record | BadRecord]:
    """Returns the records of a pack in its order, resolved or as `BadRecord`. `now` in ms.

    Raises:
        UnreadablePack: the payload is no SenML pack, or one that must not be accepted.
    """
    try:
        document, _ = read_json(payload)
    except UnreadableJson as error:
        raise UnreadablePack(f"the payload {error}") from None
    return [record for _, record in resolve(document, now)]


def resolve(pack: object, now: int) -> Iterator[tuple[object, Record | BadRecord]]:
    """Yields the records of a parsed pack, each as it was sent, and resolved or as `BadRecord`. `now` in ms.

    A record with base fields only sets them and is not yielded.

    Raises:
        UnreadablePack: while iterating, at a record that makes the rest unreadable.
    """
    if not isinstance(pack, list):
        raise UnreadablePack("a SenML pack is an array of records")
    if len(pack) > MAX_RECORDS:
        raise UnreadablePack(f"the pack has {len(pack)} records, more than {MAX_RECORDS}")
    base = _Base()
    for raw in pack:
        if not isinstance(raw, dict):
            yield raw, BadRecord("a record is an object")
            continue
        _rebase(base, raw)
        if raw.keys() <= _BASES and base.value is None and base.sum is None:
            continue
        try:
            yield raw, _resolve_one(base, raw, now)
        except _Broken as broken:
            yield raw, BadRecord(str(broken))


def _rebase(base: _Base, raw: dict[str, object]) -> None:
    """Set the base fields of a record.

    Raises:
        UnreadablePack: a field has the wrong type, the version is unknown, or a label that must be understood is not.
    """
    for label, value in raw.items():
        if label in _BASES:
            _set_base(base, label, value)
        elif label[-1:] == "_":
            raise UnreadablePack(f"the label {_shown(label)} must be understood and is not")


def _set_base(base: _Base, label: str, value: object) -> None:
    match label, value:
        case "bn", str():
            if len(value) > MAX_BASE_NAME:
                raise UnreadablePack(f"bn has {len(value)} characters, more than {MAX_BASE_NAME}")
            base.name = value
        case "bu", str():
            base.unit = value
        case "bn" | "bu", _:
            raise UnreadablePack(f"{label} is {_shown(value)}, not a text")
        case "bver", _:
            base.version = _version(base.version, value)
        case "bt", int() | float() if _is_number(value):
            base.time, base.timed = value, True
        case "bv", int() | float() if _is_number(value):
            base.value = value
        case "bs", int() | float() if _is_number(value):
            base.sum = value
        case _:
            raise UnreadablePack(f"{label} is {_shown(value)}, not a number")


def _version(before: int | None, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= VERSION:
        raise UnreadablePack(f"bver is {_shown(value)}: this is read up to version {VERSION}")
    if before not in (None, value):
        raise UnreadablePack(f"bver is {value} after {before}: all records of a pack have one version")
    return value


def _resolve_one(base: _Base, raw: dict[str, object], now: int) -> Record:
    name, unit = raw.get("n", ""), raw.get("u", base.unit)
    if not isinstance(name, str):
        raise _Broken(f"n is {_shown(name)}, not a text")
    if not isinstance(unit, str | None) or ("u" in raw and unit is None):
        raise _Broken(f"u is {_shown(unit)}, not a text")
    name = base.name + name
    if not is_name(name):
        raise _Broken(f"{_shown(name)} is not a name of letters, digits and -:./_ that begins with a letter or digit")
    if "ut" in raw:
        _number(raw, "ut")
    total = _sum(raw, "s", base.sum)
    value = _value(base, raw, total)
    timed = base.timed or "t" in raw
    return Record(name, _time(base, raw, now), value, unit, total, timed)


def _value(base: _Base, raw: dict[str, object], total: float | None) -> RecordValue | None:
    given = [label for label in _VALUES if label in raw]
    if len(given) > 1:
        raise _Broken(f"{' and '.join(given)} in one record: it has one value")
    if not given or given[0] == "v":
        value = _sum(raw, "v", base.value)
        if value is None and total is None:
            raise _Broken("there is no value")
        return value
    label, value_type = given[0], bool if given[0] == "vb" else str
    found = raw[label]
    if not isinstance(found, value_type):
        raise _Broken(f"{label} is {_shown(found)}, not a {'boolean' if value_type is bool else 'text'}")
    return found


def _time(base: _Base, raw: dict[str, object], now: int) -> int:
    """Returns the event time, ms.

    Raises:
        _Broken: it is before 1970, or later than InfluxDB can store.
    """
    seconds = base.time + _number(raw, "t") if "t" in raw else base.time
    time = round(seconds * 1000) + (now if seconds < RELATIVE_BELOW else 0) if abs(seconds) < LAST_TIME else -1
    if not 0 <= time < LAST_TIME * 1000:
        raise _Broken(f"the time {_shown(seconds)} is not between 1970 and 2262")
    return time


def _sum(raw: dict[str, object], label: str, base: float | None) -> float | None:
    """Returns the sum of a number and its base number. A missing one counts as zero; `None` if both are missing."""
    if label not in raw:
        return base
    number = _number(raw, label)
    if base is None:
        return number
    # an integer in JSON may be too large for a float
    total = number + base if abs(number) < 1e300 and abs(base) < 1e300 else math.inf
    if not math.isfinite(total):
        raise _Broken(f"{label} and b{label} add up to no number")
    return total


def _number(raw: dict[str, object], label: str) -> float:
    value = raw[label]
    if not _is_number(value):
        raise _Broken(f"{label} is {_shown(value)}, not a number")
    assert isinstance(value, int | float)  # noqa: S101 - as _is_number found, which the type checker cannot know
    return value


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, int) or math.isfinite(value)


def _shown(value: object) -> str:
    if isinstance(value, dict | list):  # may be of any depth and length
        return "an object" if isinstance(value, dict) else "an array"
    text = repr(value[:60]) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:60]}…"


def build_pack(records: Iterable[Record]) -> list[dict[str, RecordValue]]:
    """Returns a pack of these records, ready for JSON. Base name and base time are set where they change.

    Raises:
        ValueError: a pack cannot have such a name or time.
    """
    pack: list[dict[str, RecordValue]] = []
    base_name, base_time = "", None
    for record in records:
        if not is_name(record.name):
            raise ValueError(f"{record.name!r} is not a name that a SenML record can have")
        if not RELATIVE_BELOW * 1000 <= record.time < LAST_TIME * 1000:
            raise ValueError(f"{record.time} ms is not a time that a SenML record can have")
        entry: dict[str, RecordValue] = {}
        path, slash, last = record.name.rpartition("/")
        if (path + slash) != base_name:
            entry["bn"] = base_name = path + slash
        if record.time != base_time:
            base_time = record.time
            # an integer is shorter: it has no ".0"
            entry["bt"] = base_time // 1000 if base_time % 1000 == 0 else base_time / 1000
        if last:
            entry["n"] = last
        if record.unit is not None:
            entry["u"] = record.unit
        if record.value is not None:
            entry[_label(record.value)] = record.value
        if record.sum is not None:
            entry["s"] = record.sum
        pack.append(entry)
    return pack


def _label(value: RecordValue) -> str:
    if isinstance(value, bool):
        return "vb"
    return "vs" if isinstance(value, str) else "v"
