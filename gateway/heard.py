"""Per device: the last values, and what arrived in place of an expected signal.

A device may publish and yet give no usable value: its decoder broke, new firmware renamed the keys, an SNMP object is
gone. The gateway then reports `heard` (contract, section 2). Its `health` message says what arrived instead, so that
the technician checks the map or the decoder, not the battery.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from gateway.adapters import Installed
from gateway.priority import priority
from gateway.values import NOTHING, Refused, read_document, read_text
from siaga.model.capabilities import default_signals
from siaga.model.signals import EVENTS, SIGNALS, SignalType, Value
from siaga.model.sites import Adapter as Family
from siaga.mqtt.transport import Message
from siaga.wire.refusal import mask, readable

__all__ = ["MAX_TEXT", "Came", "Doubtful", "Heard", "Instead", "due_signals", "native_values", "what_came"]

MAX_TEXT = 240
"""Characters of one sentence to the centre: a hundred such sentences are a few packets on a slow link."""
MAX_KEYS = 8
"""Keys that a sentence names at most; the rest are counted."""
MAX_KEY = 48
"""Characters of a key that are shown."""
MAX_REMEMBERED = 64
"""Keys of one device that are remembered at most while a signal is missing."""
MAX_LEVELS = 5
"""The deepest level of a document in which keys are looked for."""
_KEYED_BY_TOPIC = frozenset({Family.SHELLY, Family.ESPHOME, Family.OPENWRT, Family.HOMIE})
"""Families whose keys are parts of the topic. The keys of the other families are in the message."""
_TIMES = frozenset({"Time", "time", "timestamp", "ts", "last_seen"})
"""Keys that adapters read without a map, as the time of the message's values."""
_TASMOTA_NESTED = ("StatusSNS.", "StatusSTS.")


@dataclass(frozen=True, slots=True)
class Came:
    """Keys of a message. `unmapped`: no map names them. `empty`: a map names them, but they have no value."""

    unmapped: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Instead:
    """What arrived in place of the expected signals. `since` in ms.

    `what` and `error` are sentences for people, limited in length and masked.
    """

    since: int
    what: str
    error: str = ""


@dataclass(slots=True)
class Doubtful:
    """Implausible values of one signal that were dropped.

    `number`: how many. `value`: the last one. `shown`: when one was last sent to the centre, ms.
    """

    number: int = 0
    value: Value = 0
    shown: int | None = None


@dataclass(slots=True)
class Heard:
    """What a device reported since this process started. Times are ms of the gateway's clock, except in `values`.

    `seen`: the time of its last live message. `first`: of its first.
    `values`: by signal, the latest event time and value.
    `came`: by signal, when a value was last received live.
    `own`: when its last live reading was received; `heard` is not counted.
    `said`: when the gateway last reported `heard` for it.
    `refused`: how many of its messages were refused. `refusal`: the last reason.
    `implausible`: by signal, the values that were dropped.
    """

    seen: int | None = None
    first: int | None = None
    values: dict[str, tuple[int, Value]] = field(default_factory=dict)
    came: dict[str, int] = field(default_factory=dict)
    own: int | None = None
    said: int | None = None
    refused: int = 0
    refusal: str = ""
    implausible: dict[str, Doubtful] = field(default_factory=dict)
    _since: int | None = None
    _unmapped: dict[str, None] = field(default_factory=dict)
    _empty: dict[str, None] = field(default_factory=dict)
    _words: str = ""
    _error: tuple[int, str] | None = None
    _missing: tuple[str, ...] = ()

    def gives(self, now: int, every: int) -> bool:
        """Returns whether the last usable reading is younger than `every`."""
        return self.own is not None and 0 <= now - self.own < every

    def may_be_said(self, now: int, every: int, *, failed: bool) -> bool:
        """Returns whether to report `heard` for a message without usable values, and if so, notes that it is reported.

        It is reported at most once per `every`. A message that did not fail needs no `heard` while a usable reading is
        younger than `every`: that reading already shows that the device is there.
        """
        if not failed and self.gives(now, every):
            return False
        if self.said is not None and 0 <= now - self.said < every:
            return False
        self.said = now
        return True

    def missing(self, due: Collection[str], now: int, validity: int) -> tuple[str, ...]:
        """Returns the due signals that did not arrive within `validity`; all of them if the device gave no reading."""
        if self.own is None:
            return tuple(due)
        start = self.first if self.first is not None else now
        return tuple(signal for signal in due if now - self.came.get(signal, start) > validity)

    def is_complete(self) -> None:
        """Clear what arrived instead: all due signals have arrived."""
        self._since, self._error, self._missing, self._words = None, None, (), ""
        self._unmapped.clear()
        self._empty.clear()

    def note_instead(self, now: int, came: Came, words: str, error: str, missing: tuple[str, ...]) -> None:
        """Store what arrived in place of the due signals. `words`: the adapter's own sentence, if it has one."""
        if self._since is None:
            self._since = now
        for found, into in ((came.unmapped, self._unmapped), (came.empty, self._empty)):
            into.update(dict.fromkeys(found[: MAX_REMEMBERED - len(into)]))
        self._words = words or self._words
        self._missing = missing
        if error:
            self._error = (now, error)

    def instead(self, now: int, validity: int) -> Instead | None:
        """Returns what arrives in place of the due signals; `None` if they all arrive, or if the device is silent."""
        if self._since is None or self.seen is None or now - self.seen > validity:
            return None
        parts = [self._words]
        if self._missing:
            parts.append(f"{_named(self._missing)} did not come")
        if self._unmapped:
            several = len(self._unmapped) > 1
            parts.append(
                f"{'keys' if several else 'key'} {_named(self._unmapped)} {'are' if several else 'is'} in no map"
            )
        if self._empty:
            parts.append(f"{_named(self._empty)} came without a value")
        error = self._error[1] if self._error is not None and now - self._error[0] <= validity else ""
        what = "; ".join(part for part in parts if part) or "its messages give no value of use"
        return Instead(self._since, _shown(what), _shown(error))


def due_signals(installed: Installed) -> tuple[str, ...]:
    """Returns the signals whose absence is reported.

    These are measurements and states that the site maps, or that the family gives by default in this kind of facility
    only. Diagnostics and events have no expected interval, so they are never missing.
    """
    if installed.device.adapter is Family.SENML:
        return ()  # a SenML device may report any signal, and promises none
    adapter, kind = installed.device.adapter, installed.kind
    mapped = set(installed.device.map.values())
    mapped |= default_signals(adapter, kind) - default_signals(adapter, "")
    if not mapped:
        mapped = {signal for signal in installed.keys.values() if SIGNALS[signal].type is SignalType.BOOL}
    return tuple(
        dict.fromkeys(
            signal
            for signal in installed.keys.values()
            if signal in mapped and signal not in EVENTS and signal != "online" and priority(signal) > 0
        )
    )


def what_came(installed: Installed, message: Message, decoded: object = None) -> Came:
    """Returns the unmapped and empty keys of a message: their names only, never their values.

    `decoded`: the part of the message in which the keys of the map are looked for, if that is not the whole message.
    """
    return _sorted_out(native_values(installed, message, decoded), installed.keys)


def native_values(installed: Installed, message: Message, decoded: object = None) -> Iterator[tuple[str, object]]:
    """Yields the native keys of a message, as a map names them, with their values; none if it cannot be read.

    `decoded`: as for `what_came`.
    """
    try:
        if decoded is not None or installed.device.adapter is Family.LORAWAN:
            yield from _leaves(decoded, "")
        elif message.payload:  # else a cleared topic, or an answer of a polled device
            by_topic = installed.device.adapter in _KEYED_BY_TOPIC
            yield from _by_topic(installed, message) if by_topic else _in_document(installed, message)
    except Refused:
        return  # the refusal already says why it cannot be read


def _by_topic(installed: Installed, message: Message) -> Iterator[tuple[str, object]]:
    _, _, below = message.topic.partition(f"{installed.address}/")
    if below == "events/rpc":  # a Shelly's notification: the components are in the message
        document = read_document(message.payload)
        params = document.get("params") if isinstance(document, dict) else None
        if isinstance(params, dict):
            yield from ((name, part) for name, part in params.items() if name != "ts")
        return
    key = (below or message.topic).removeprefix("status/")
    yield key, read_text(message.payload) or None


def _in_document(installed: Installed, message: Message) -> Iterator[tuple[str, object]]:
    text = read_text(message.payload)
    last = message.topic.rpartition("/")[2]
    if text[:1] not in ("{", "["):
        yield last, text
        return
    document = read_document(message.payload)
    if installed.device.adapter is Family.SENML:
        for record in document if isinstance(document, list) else ():
            if isinstance(record, dict) and isinstance(record.get("n"), str):
                yield record["n"], True
        return
    for path, value in _leaves(document, ""):
        for nested in _TASMOTA_NESTED if installed.device.adapter is Family.TASMOTA else ():
            path = path.removeprefix(nested)  # noqa: PLW2901 - the path as a map writes it
        if path not in _TIMES:
            yield path, value


def _leaves(document: object, path: str, level: int = 0) -> Iterator[tuple[str, object]]:
    """Yields all values of a document with their dotted paths. The first element of a list stands for all of them."""
    if isinstance(document, list) and document and level < MAX_LEVELS:
        yield from _leaves(document[0], f"{path}.0" if path else "0", level + 1)
    elif isinstance(document, dict) and document and level < MAX_LEVELS:
        for key, value in document.items():
            yield from _leaves(value, f"{path}.{key}" if path else str(key), level + 1)
    elif path:
        yield path, document


def _sorted_out(found: Iterator[tuple[str, object]], keys: Mapping[str, str]) -> Came:
    unmapped: dict[str, None] = {}
    empty: dict[str, None] = {}
    for path, value in found:
        if not any(_means(key, path) for key in keys):
            unmapped[path] = None
        elif value is None or (isinstance(value, str) and value.strip().lower() in NOTHING):
            empty[path] = None
        if len(unmapped) >= MAX_REMEMBERED:
            break
    return Came(tuple(unmapped), tuple(empty))


def _means(key: str, path: str) -> bool:
    """Returns whether a key of a map names this path, or an object that contains it."""
    wanted, levels = key.removeprefix("$.").split("."), path.split(".")
    return len(wanted) <= len(levels) and all(one in ("*", other) for one, other in zip(wanted, levels, strict=False))


def _named(names: Collection[str]) -> str:
    """Returns the names as a list for people: a, b and c."""
    shown = [name if len(name) <= MAX_KEY else name[: MAX_KEY - 1] + "…" for name in names][:MAX_KEYS]
    if len(names) > MAX_KEYS:
        shown.append(f"{len(names) - MAX_KEYS} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def _shown(text: str) -> str:
    text = readable(mask(text))
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"
