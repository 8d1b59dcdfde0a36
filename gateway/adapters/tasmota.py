"""Tasmota: relays, switches, buttons, power meters and light sensors.

The order of the levels is the owner's (`FullTopic`): the prefix `tele` or `stat` may stand anywhere before the last
level, and the device's `%topic%`, one level or several, anywhere beside it. `cmnd` is what others want of the device
and never what it is. Birth and last will are `LWT` under `tele` alone. A device that goes to sleep says `DeepSleep`
there: neither a birth nor a will, it is away on purpose, and what it said holds.

A shutter says `{"Position":37,"Direction":0}`: while its direction is not 0 it moves.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from gateway.adapters.interface import Installed, Topics, Translation
from gateway.values import Native, Refused, find, read_bool, read_document, read_text
from siaga.mqtt.transport import Message

__all__ = ["Tasmota"]

_PREFIXES = ("tele", "stat")
_TOLD = r"(?:LWT|STATE|SENSOR|RESULT|POWER\d*|STATUS\d*|INFO\d)"
MAX_PREFIX_LEVEL = 6
"""How many levels may stand before the prefix; the deepest seen in the field has four."""
_BODIES = frozenset({"STATE", "SENSOR", "RESULT"})
"""Messages that hold the device's state; `STATUS` and its numbers hold it one level deeper."""
_NESTED = ("StatusSNS", "StatusSTS")
_PRESSED = re.compile(r"(BUTTON|SWITCH)(\d+)")
"""Until version 9 a button or a detached switch had a topic of its own, with its action in an object."""
_SHUTTER = re.compile(r"SHUTTER\d+")
"""A shutter's own topic holds its bare position, said when it has arrived."""
_ACTIONS = re.compile(r"Button\d+|.+\.(Action|UID|Data|RfKey)")
"""Keys that are said once each time: a button, a card that is read, a code that is received."""
_SUMMED = frozenset({"power", "energy"})
"""What a meter with several channels gives as a list, one number a channel."""


class Tasmota:
    """`tele` and `stat` of devices found by their `%topic%`."""

    topics = Topics(
        roots=frozenset({"cmnd", *_PREFIXES}),
        shapes=(
            re.compile(rf"(?:.*/)?(?:{'|'.join(_PREFIXES)})/(?P<address>.+)/{_TOLD}"),
            re.compile(rf"(?P<address>.+)/(?:{'|'.join(_PREFIXES)})/{_TOLD}"),
        ),
        no_device=re.compile(r"tasmota/discovery/|cmnd/"),
    )

    def filters(self, installed: Installed) -> Iterable[str]:  # noqa: ARG002 - the same for all
        """The prefixes on every level: few filters for any number of devices, and none overlaps another."""
        return [f"{'+/' * level}{prefix}/#" for level in range(MAX_PREFIX_LEVEL + 1) for prefix in _PREFIXES]

    def key(self, installed: Installed) -> str:
        """The `%topic%`."""
        return installed.address

    def keys(self, message: Message) -> Sequence[str]:
        """Every run of levels beside the prefix, the longest first: one of them may be a `%topic%`."""
        levels = message.topic.split("/")[:-1]
        if len(levels) > 24:  # no FullTopic is so long; the number of runs grows with the square
            return ()
        runs: dict[str, int] = {}
        for place, level in enumerate(levels):
            if level in _PREFIXES and place <= MAX_PREFIX_LEVEL:
                for side in (levels[place + 1 :], levels[:place]):
                    runs.update(_runs(side))
        return sorted(runs, key=lambda run: -runs[run])

    def concerns_all(self, message: Message) -> bool:  # noqa: ARG002 - the interface; there is no bridge
        """Never."""
        return False

    def translate(self, installed: Installed, message: Message, received: int) -> Translation:  # noqa: ARG002
        """A birth or last will, a bare POWER, or a document of states and sensors."""
        result = Translation()
        kind = message.topic.rpartition("/")[2]
        text = read_text(message.payload)
        if kind == "LWT":
            if "tele" not in _prefixes(message.topic, installed.address):
                return result  # what another program calls so
            if text.lower() == "deepsleep":
                return result
            if "LWT" in installed.keys and (online := read_bool(text, "online", "offline")) is not None:
                installed.read(installed.keys["LWT"], online, None, result)
            return result
        if not text:
            return result
        result.heard = True
        if text[0] not in '{["':
            _bare(installed, kind, text, result)
            return result
        document = read_document(message.payload)
        if pressed := _PRESSED.fullmatch(kind):
            action = document.get("ACTION", document.get("STATE")) if isinstance(document, dict) else None
            _take(installed, {f"{pressed[1].capitalize()}{pressed[2]}": action}, result)
        if kind in _BODIES or kind.startswith("STATUS") or _is_power(kind):
            _take(installed, document, result)
        return result


def _bare(installed: Installed, kind: str, text: str, into: Translation) -> None:
    """A word or number: a relay's state, a shutter's position; a log line or a version is of no use."""
    if _is_power(kind):
        _take(installed, {kind: text}, into)
    elif _SHUTTER.fullmatch(kind):
        _take(installed, {kind.capitalize(): text}, into)
    elif kind in _BODIES or kind.startswith("STATUS"):
        raise Refused("not_json", f"{kind} is not JSON")


def _runs(levels: Sequence[str]) -> Iterator[tuple[str, int]]:
    for start in range(len(levels)):
        for end in range(start + 1, len(levels) + 1):
            yield "/".join(levels[start:end]), end - start


def _prefixes(topic: str, address: str) -> set[str]:
    """The prefixes beside which the device's `%topic%` stands."""
    levels = topic.split("/")[:-1]
    sides = (
        (level, side)
        for place, level in enumerate(levels[: MAX_PREFIX_LEVEL + 1])
        if level in _PREFIXES
        for side in (levels[place + 1 :], levels[:place])
    )
    return {prefix for prefix, side in sides if any(run == address for run, _ in _runs(side))}


def _is_power(kind: str) -> bool:
    return kind.startswith("POWER") and (kind[5:] == "" or kind[5:].isdecimal())


def _take(installed: Installed, document: object, into: Translation) -> None:
    if not isinstance(document, dict):
        raise Refused("not_an_object", "a Tasmota document is an object")
    bodies = [document] + [document[nested] for nested in _NESTED if isinstance(document.get(nested), dict)]
    for body in bodies:
        time = installed.when(body.get("Time"), into)
        for key, signal in installed.keys.items():
            if _moves(body, key):
                continue
            for raw in find(body, key):
                if installed.read(signal, _plain(signal, raw), time, into, key=key, native=_native(key, raw)):
                    break  # of several sensors of one kind the first that has a value speaks


def _native(key: str, raw: object) -> Native:
    """What a key says of an event: a switch repeats its state; detached, it may say what was done to it (`TOGGLE`)."""
    if _ACTIONS.fullmatch(key):
        return Native.ACTION
    return Native.EITHER if isinstance(raw, dict) else Native.STATE


def _moves(body: object, key: str) -> bool:
    """Whether the key is of a shutter that moves: the shutter itself, or its position."""
    head, _, last = key.rpartition(".")
    shutters = find(body, head) if head and last.lower() == "position" else find(body, key)
    return any(
        (shutter.get("Direction", shutter.get("direction")) or 0) != 0
        for shutter in shutters
        if isinstance(shutter, dict)
    )


def _plain(signal: str, raw: object) -> object:
    """The value itself: a button's or detached switch's action, a shutter's position, the sum of several channels."""
    if isinstance(raw, dict) and "Action" in raw:
        return raw["Action"]
    if isinstance(raw, dict) and "Position" in raw:
        return raw["Position"]
    if signal in _SUMMED and isinstance(raw, list):
        numbers = [each for each in raw if isinstance(each, int | float) and not isinstance(each, bool)]
        return sum(numbers) if numbers and len(numbers) == len(raw) else raw
    return raw
