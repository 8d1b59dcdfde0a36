"""Reads values as devices really send them: invalid JSON, words for booleans, numbers as text.

An absent or null value is no observation. A number that is not finite is refused, and so is a word in place of a value.
The other values of the message are kept.

A position of 0 to 100 that is read as a boolean is true above 0. A cover that moves (`opening`, `closing`, `stop`)
gives no value until it has stopped.

An event comes from a native *action* (a press), where each message is an event, or from a native *state*, which is
repeated. `gateway.events` detects when a state turns true.
"""

import json
import math
import re
from collections.abc import Iterator
from enum import Enum

from siaga.model.signals import RefusedValue, Signal, SignalType, Value, check_value
from siaga.wire.json_text import UnreadableJson, read_json

__all__ = [
    "MAX_PAYLOAD",
    "MOVING",
    "NOTHING",
    "Native",
    "Refused",
    "find",
    "native_of",
    "read_bool",
    "read_document",
    "read_event",
    "read_text",
    "read_value",
]

MAX_PAYLOAD = 64_000
"""Bytes of a native message (contract, section 4)."""
MAX_DEPTH = 32
"""Levels of nesting at most. The deepest valid payload seen, from a LoRaWAN server, has seven."""

_TRUE = frozenset({"on", "true", "1", "open"})
_FALSE = frozenset({"off", "false", "0", "close", "closed"})
NOTHING = frozenset({"", "null", "none", "unavailable", "unknown", "undefined"})
"""What bridges and firmware write for no value. `nan` is not included: it is a number, but not finite."""
MOVING = frozenset({"opening", "closing", "stop", "stopped", "calibrating"})
"""States of covers that are neither open nor closed."""
_FULLY_OPEN = 100
"""The largest position, in per cent."""
_SOMEONE = frozenset({"motion", "detected", "occupied", "present", "active"})
_NO_ONE = frozenset({"no_motion", "no motion", "clear", "cleared", "unoccupied", "absent", "away", "idle", "inactive"})
"""Words of presence sensors. They are states, although a button's actions look similar."""
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_NOT_FINITE = re.compile(r"[+-]?(nan|inf|infinity)", re.ASCII | re.IGNORECASE)
# A string, which is kept, or a bare word for a number that is not finite
_BARE = re.compile(r'"(?:[^"\\]|\\.)*"|[+-]?\b(?:nan|inf|infinity)\b', re.ASCII | re.IGNORECASE | re.DOTALL)


class Native(Enum):
    """How a native key expresses an event signal."""

    STATE = "it is repeated, true or false"
    ACTION = "each message is an event"
    EITHER = "booleans and numbers are a state, other words are actions"


class Refused(Exception):
    """A message or value is refused.

    `label`: the reason in `siaga_refused_total`. `sentence`: the reason for people.
    `session`: it was on the topic of births and last wills. The broker may have sent it, so it does not show that the
    device is there.
    """

    def __init__(self, label: str, sentence: str, *, session: bool = False) -> None:
        super().__init__(sentence)
        self.label = label
        self.sentence = sentence
        self.session = session


def read_text(payload: bytes) -> str:
    """Returns a payload as text, without leading and trailing white space.

    Raises:
        Refused: it is too large, or not UTF-8.
    """
    if len(payload) > MAX_PAYLOAD:
        raise Refused("too_large", f"the message has {len(payload)} bytes, more than {MAX_PAYLOAD}")
    try:
        return payload.decode().strip()
    except UnicodeDecodeError as error:
        raise Refused("not_utf8", f"the message is not UTF-8 from byte {error.start} on") from None


def read_document(payload: bytes) -> object:
    """Returns a payload that is JSON. Bare `nan`, `inf` and the like are read as the numbers that they mean.

    Raises:
        Refused: it is too large, not UTF-8, not JSON, or nested too deeply.
    """
    text = read_text(payload)
    try:
        document, _ = read_json(payload)
    except UnreadableJson as error:
        document = _read_leniently(text, str(error))
    if _deeper_than(document, MAX_DEPTH):
        raise Refused("too_deep", f"the message is nested deeper than {MAX_DEPTH} levels")
    return document


def _read_leniently(text: str, problem: str) -> object:
    mended = _BARE.sub(_as_python_writes_it, text)
    if mended != text:
        try:
            return json.loads(mended)
        except (ValueError, RecursionError):
            pass
    raise Refused("not_json", f"the message {problem}")


def _as_python_writes_it(found: re.Match[str]) -> str:
    word = found[0]
    if word.startswith('"'):
        return word
    if "nan" in word.lower():
        return "NaN"
    return "-Infinity" if word.startswith("-") else "Infinity"


def _deeper_than(document: object, limit: int) -> bool:
    level = [document]
    for _ in range(limit + 1):
        level = [part for whole in level for part in _parts(whole)]
        if not level:
            return False
    return True


def _parts(whole: object) -> Iterator[object]:
    if isinstance(whole, dict):
        yield from whole.values()
    elif isinstance(whole, list):
        yield from whole


def find(document: object, path: str) -> Iterator[object]:
    """Yields the values at a dotted path. `*` is any key of one level; a number is an index of a list.

    A key may itself contain dots: the longest possible key is tried first.
    """
    if not path:
        yield document
        return
    if isinstance(document, list):
        head, _, rest = path.partition(".")
        if head == "*":
            for part in document:
                yield from find(part, rest)
        elif head.isdecimal() and len(head) < 5 and int(head) < len(document):
            yield from find(document[int(head)], rest)
    elif isinstance(document, dict):
        words = path.split(".")
        for count in range(len(words), 0, -1):
            head, rest = ".".join(words[:count]), ".".join(words[count:])
            if head in document:
                yield from find(document[head], rest)
                return
        if words[0] == "*":
            for part in document.values():
                yield from find(part, ".".join(words[1:]))


def read_value(signal: Signal, raw: object) -> Value | None:
    """Returns the value of a signal from what a device sent; `None` if it is no observation.

    Raises:
        Refused: a number is not finite, or the value is not of the signal's type.
    """
    if raw is None:
        return None
    if isinstance(raw, str):
        word = raw.strip().lower()
        if word in NOTHING or (signal.type is SignalType.BOOL and word in MOVING):
            return None
        raw = _read_word(signal, word)
    if isinstance(raw, float) and not math.isfinite(raw):
        raise Refused("not_finite", f"{signal.name}: {raw} is not a finite number")
    if signal.type is SignalType.BOOL and isinstance(raw, int | float) and 0 <= raw <= _FULLY_OPEN:
        return raw > 0
    try:
        return check_value(signal, raw)
    except RefusedValue as error:
        raise Refused("wrong_value", str(error)) from None


def _read_word(signal: Signal, word: str) -> object:
    if signal.type in (SignalType.BOOL, SignalType.EVENT):
        if word in _TRUE:
            return True
        if word in _FALSE:
            return False
    if _NUMBER.fullmatch(word):
        return int(word) if word.lstrip("+-").isdecimal() and len(word) < 20 else float(word)
    if _NOT_FINITE.fullmatch(word):
        return math.nan if "nan" in word else math.inf
    # A button names its action: single, hold, 1_double. Any word is an event.
    return True if signal.type is SignalType.EVENT else word


def native_of(key: str, signal: str) -> Native:
    """Returns how a key expresses an event signal, in a family without a convention for it.

    A key with the signal's own name is an action: `checkin` is sent each time somebody checks in.
    """
    return Native.ACTION if re.split(r"[./]", key)[-1].lower() == signal else Native.EITHER


def read_event(signal: Signal, raw: object, native: Native) -> tuple[Value, bool] | None:
    """Returns the value of an event signal, and whether it is a state; `None` if it is no observation.

    Raises:
        Refused: a number is not finite, the value is no event, or a word is not a boolean where a state was due.
    """
    word = raw.strip().lower() if isinstance(raw, str) else None
    if word is None:
        value = read_value(signal, raw)
        return None if value is None else (value, native is not Native.ACTION)
    if word in NOTHING:
        return None
    if native is Native.ACTION:
        return int(word not in ("0", "false")), False  # "off" and "close" are names of buttons, too
    if word in MOVING:
        return None
    if word in _SOMEONE or word in _NO_ONE:
        return int(word in _SOMEONE), True
    plain = word in _TRUE or word in _FALSE or _NUMBER.fullmatch(word) or _NOT_FINITE.fullmatch(word)
    if not plain and native is Native.STATE:
        raise Refused("wrong_value", f"{signal.name}: {word[:40]!r} is not a state such as on or off")
    value = read_value(signal, word)
    return None if value is None else (value, bool(plain))


def read_bool(text: str, true: str, false: str) -> bool | None:
    """Returns whether a birth or last will is the word for true; `None` if the text is empty (a cleared topic).

    Upper and lower case are equal.

    Raises:
        Refused: the text is neither word.
    """
    word = text.strip().lower()
    if not word:
        return None
    if word not in (true, false):
        raise Refused("wrong_value", f"{text[:40]!r} is neither {true} nor {false}", session=True)
    return word == true
