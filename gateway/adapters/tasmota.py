"""Tasmota: relays, switches, buttons, power meters and light sensors.

The owner chooses the order of the levels (`FullTopic`). The prefix `tele` or `stat` may be anywhere before the last
level. The device's `%topic%`, of one or more levels, may be before or after it. `cmnd` is a command to the device.
Birth and last will are `LWT`, under `tele` only. A device that goes to sleep sends `DeepSleep` there. That is neither a
birth nor a will: the device is away on purpose, and its values stay valid.

A shutter sends `{"Position":37,"Direction":0}`. It moves while its direction is not 0.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from gateway.adapters.interface import Installed, Topics, Translation
from gateway.values import Native, Refused, find, read_bool, read_document, read_text
from siaga.model.clock import MINUTE
from siaga.mqtt.transport import Message

__all__ = ["Tasmota"]

_PREFIXES = ("tele", "stat")
_TOLD = r"(?:LWT|STATE|SENSOR|RESULT|POWER\d*|STATUS\d*|INFO\d)"
MAX_PREFIX_LEVEL = 6
"""Levels before the prefix at most; the deepest seen in the field has four."""
_BODIES = frozenset({"STATE", "SENSOR", "RESULT"})
"""Messages with the device's state. `STATUS` and `STATUS<n>` have it one level deeper."""
_NESTED = ("StatusSNS", "StatusSTS")
_PRESSED = re.compile(r"(BUTTON|SWITCH)(\d+)")
"""Until version 9, a button or detached switch had its own topic, with its action in an object."""
_SHUTTER = re.compile(r"SHUTTER\d+")
"""A shutter's own topic has its bare position. It is sent when the shutter has stopped."""
_ACTIONS = re.compile(r"Button\d+|.+\.(Action|UID|Data|RfKey)")
"""Keys that are sent once per event: a button, a card that is read, a code that is received."""
_SUMMED = frozenset({"power", "energy"})
"""Signals that a meter with several channels sends as a list, one number per channel."""


class Tasmota:
    """`tele` and `stat` of devices found by their `%topic%`."""

    topics = Topics(
        roots=frozenset({"cmnd", *_PREFIXES}),
        shapes=(
            re.compile(rf"(?:.*/)?(?:{'|'.join(_PREFIXES)})/(?P<address>.+)/{_TOLD}"),
            re.compile(rf"(?P<address>.+)/(?:{'|'.join(_PREFIXES)})/{_TOLD}"),
        ),
        no_device=re.compile(r"tasmota/discovery/|cmnd/"),
        heard_on=tuple(f"{'+/' * level}{prefix}/#" for level in range(MAX_PREFIX_LEVEL + 1) for prefix in _PREFIXES),
        usual=5 * MINUTE,  # TelePeriod
    )

    def filters(self, installed: Installed) -> Iterable[str]:  # noqa: ARG002 - the same for all
        """Returns a filter for each prefix on each level: a few for any number of devices, without overlap."""
        return self.topics.heard_on

    def key(self, installed: Installed) -> str:
        """Returns the `%topic%`."""
        return installed.address

    def keys(self, message: Message) -> Sequence[str]:
        """Returns every run of levels before or after the prefix, the longest first: each may be a `%topic%`."""
        levels = message.topic.split("/")[:-1]
        if len(levels) > 24:  # no FullTopic is longer, and the number of runs grows quadratically
            return ()
        runs: dict[str, int] = {}
        for place, level in enumerate(levels):
            if level in _PREFIXES and place <= MAX_PREFIX_LEVEL:
                for side in (levels[place + 1 :], levels[:place]):
                    runs.update(_runs(side))
        return sorted(runs, key=lambda run: -runs[run])

    def concerns_all(self, message: Message) -> bool:  # noqa: ARG002 - the interface; there is no bridge
        """Returns False."""
        return False

    def translate(self, installed: Installed, message: Message, received: int) -> Translation:  # noqa: ARG002
        """Translate a birth, a last will, a bare POWER, or a document of states and sensors."""
        result = Translation()
        kind = message.topic.rpartition("/")[2]
        text = read_text(message.payload)
        if kind == "LWT":
            if "tele" not in _prefixes(message.topic, installed.address):
                return result  # another program's topic of that name
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
    """Translate a word or number: a relay's state or a shutter's position. Log lines and versions are ignored."""
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
    """Returns the prefixes in the topic that have the device's `%topic%` before or after them."""
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
                    break  # of several sensors of one kind, the first with a value counts


def _native(key: str, raw: object) -> Native:
    """Returns how a key expresses an event: a switch repeats its state, a detached one may send actions (`TOGGLE`)."""
    if _ACTIONS.fullmatch(key):
        return Native.ACTION
    return Native.EITHER if isinstance(raw, dict) else Native.STATE


def _moves(body: object, key: str) -> bool:
    """Returns whether the key is a moving shutter, or the position of one."""
    head, _, last = key.rpartition(".")
    shutters = find(body, head) if head and last.lower() == "position" else find(body, key)
    return any(
        (shutter.get("Direction", shutter.get("direction")) or 0) != 0
        for shutter in shutters
        if isinstance(shutter, dict)
    )


def _plain(signal: str, raw: object) -> object:
    """Returns the plain value: an action of a button or detached switch, a shutter's position, a sum of channels."""
    if isinstance(raw, dict) and "Action" in raw:
        return raw["Action"]
    if isinstance(raw, dict) and "Position" in raw:
        return raw["Position"]
    if signal in _SUMMED and isinstance(raw, list):
        numbers = [each for each in raw if isinstance(each, int | float) and not isinstance(each, bool)]
        return sum(numbers) if numbers and len(numbers) == len(raw) else raw
    return raw
