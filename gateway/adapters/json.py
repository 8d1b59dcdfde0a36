"""Any device that publishes JSON or bare values. Its address is the topic; the site's `map` says where the values are.

A path is dotted (`sensors.0.value`) or JSONPath (`$.sensors[0].value`). `*` is any key of one level. `.` is the whole
message, if that is a single number, word or boolean.

A `time`, `timestamp` or `ts` next to the values is the device's time, unless the map uses that key. It may be ISO 8601,
Unix seconds or milliseconds.
"""

import re
from collections.abc import Iterable, Sequence

from gateway.adapters.interface import Installed, Topics, Translation
from gateway.values import Native, find, native_of, read_document, read_text
from siaga.mqtt.transport import Message

__all__ = ["Json"]

_WHOLE = frozenset({"", ".", "$"})
"""Paths of the whole message."""
_TIMES = ("time", "Time", "timestamp", "ts")
_LIKE_A_TIME = re.compile(r"\s*[+-]?\d{4}")
"""Text that may be a date or a number. A key called `time` may hold something else, such as a time of day."""
_INDEX = re.compile(r"\[(\d{1,4}|\*)\]")


class Json:
    """Messages of one topic."""

    topics = Topics()

    def filters(self, installed: Installed) -> Iterable[str]:
        """Returns the topic."""
        return (installed.address,)

    def key(self, installed: Installed) -> str:
        """Returns the topic."""
        return installed.address

    def keys(self, message: Message) -> Sequence[str]:
        """Returns the topic."""
        return (message.topic,)

    def concerns_all(self, message: Message) -> bool:  # noqa: ARG002 - the interface; there is no bridge
        """Returns False."""
        return False

    def translate(self, installed: Installed, message: Message, received: int) -> Translation:  # noqa: ARG002
        """Translate the values at the paths of the map."""
        result = Translation()
        text = read_text(message.payload)
        if not text:
            return result
        result.heard = True
        if text[0] not in '{["' and not _WHOLE.isdisjoint(installed.keys):
            document: object = text  # a bare ON is not JSON, but it is the device's value
        else:
            document = read_document(message.payload)
        time = _time(installed, document, result)
        for path, signal in installed.keys.items():
            if path in _WHOLE:
                if not isinstance(document, dict | list):
                    installed.read(signal, document, time, result, key=path, native=Native.EITHER)
                continue
            for raw in _at(document, path):
                if installed.read(signal, raw, time, result, key=path, native=native_of(path, signal)):
                    break
        return result


def _time(installed: Installed, document: object, into: Translation) -> int | None:
    if not isinstance(document, dict):
        return None
    said = (document[name] for name in _TIMES if name in document and name not in installed.keys)
    read = (installed.when(each, into) for each in said if _may_be_a_time(each))
    return next((time for time in read if time is not None), None)


def _may_be_a_time(raw: object) -> bool:
    if isinstance(raw, str):
        return _LIKE_A_TIME.match(raw) is not None
    return isinstance(raw, int | float) and not isinstance(raw, bool)


def _at(document: object, path: str) -> Iterable[object]:
    """Returns the values at a path, read literally first, then as JSONPath."""
    found = list(find(document, path))
    if found or not ("[" in path or path.startswith("$.")):
        return found
    return find(document, _INDEX.sub(r".\1", path.removeprefix("$")).removeprefix("."))
