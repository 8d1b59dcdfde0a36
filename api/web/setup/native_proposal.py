"""What an unknown device of a native family probably is, by its name and by what it says: pure.

Its gateway says which signals the family gives by itself, in which kind of facility. The rest is a guess by words, and
a person looks at it before it is written.
"""

import re
from collections.abc import Mapping

from api.web.setup.proposal import Proposal, alike, kind_of, usual_interval, words_of
from siaga.model.durations import format_duration
from siaga.model.indicators import POWER, evidence_signals
from siaga.model.signals import SIGNALS, SignalType
from siaga.wire.topics import as_slug
from siaga.wire.unknown_device import UnknownDevice

__all__ = ["propose_native"]

_CALLED: Mapping[str, frozenset[str]] = {
    "gate": frozenset({"gerbang", "gapura", "portal", "pagar", "pintu", "gate", "door"}),
    "office_lighting": frozenset({"lampu", "lamp", "light", "penerangan"}),
    "free_wifi": frozenset({"wifi", "ap", "hotspot", "router"}),
    "night_guard": frozenset({"jaga", "satpam", "ronda", "hansip", "guard"}),
    "toilet": frozenset({"toilet", "wc", "jamban"}),
    "lactation_room": frozenset({"laktasi", "menyusui", "lactation"}),
    "it_service": frozenset({"server"}),
    POWER: frozenset({"pln", "listrik", "meteran", "mains", "grid"}),
}
"""Words in the names of devices, by the kind of their facility."""
_STATE = {
    "gate": "gate_open",
    "office_lighting": "lamp_on",
    "free_wifi": "wifi_up",
    "night_guard": "presence",
    "it_service": "service_ok",
    POWER: "mains",
}
"""The signal that an input is by which nothing else is known, by the kind that the device's name tells."""
_HINTS = {"clients": "free_wifi"}
"""Signals that are evidence of nothing, but that one kind of facility has."""
_BESIDE = frozenset({"battery", "rssi", "power", "energy", "illuminance", "clients"})
"""Signals that are of use in any kind of facility."""
_INPUT = re.compile(r"(?:switch|input|contact|door|magnet|reed|binary)\d*")
_OTHER_UNITS = frozenset({"voltage", "volt", "v", "mv", "temperature", "today", "yesterday", "low"})
"""Words of keys that hold something else than what their other words say."""
_EMPTY = frozenset({"state", "value", "total", "level", "percent", "percentage"})
"""Words of keys that say nothing of what is measured."""
_BOOLEANS = frozenset({"on", "off", "true", "false", "open", "close", "closed", "0", "1"})
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")
_MAPPED = 10
"""Keys that are mapped at most."""


def propose_native(heard: UnknownDevice) -> Proposal:
    """Returns what a device probably is."""
    guessed = {key: signal for key, text in heard.values.items() if (signal := _guess(key, text)) is not None}
    kind = _kind(heard, guessed)
    given = _given(heard, kind)
    wanted = frozenset(SIGNALS) if kind is None else evidence_signals(kind) | _BESIDE | {_STATE.get(kind, "")}
    mapped: dict[str, str] = {}
    for key, signal in guessed.items():
        if signal in wanted and signal not in given and signal not in mapped.values() and len(mapped) < _MAPPED:
            mapped[key] = signal
    state = _STATE.get(kind or "")
    has_evidence = (evidence_signals(kind or "") | {state}) & ({*given, *mapped.values()} - {"online"})
    if state is not None and not has_evidence and (found := _input(heard.values)) is not None:
        mapped[found] = state
    gives = dict.fromkeys([*sorted(given), *mapped.values()])
    return Proposal(
        as_slug(heard.address),
        heard.adapter,
        kind,
        format_duration(usual_interval(heard.every)),
        tuple(mapped.items()),
        tuple(gives),
        () if gives else tuple(heard.values),
        heard.address,
    )


def _given(heard: UnknownDevice, kind: str | None) -> frozenset[str]:
    """Returns the signals that need no map in a kind of facility."""
    return frozenset(heard.gives.get(kind or "", heard.gives.get("", ())))


def _kind(heard: UnknownDevice, guessed: Mapping[str, str]) -> str | None:
    """Returns the kind of facility: by the device's name, else by what it gives by itself, else by its keys."""
    words = {re.sub(r"\d+$", "", word) for word in words_of(heard.address)}
    for kind, called in _CALLED.items():
        if words & called:
            return kind
    for kind, signals in heard.gives.items():
        if kind and evidence_signals(kind) & {*signals} - {*heard.gives.get("", ())}:
            return kind
    signals = [*_given(heard, None), *guessed.values()]
    return kind_of(signals) or next((kind for signal, kind in _HINTS.items() if signal in signals), None)


def _guess(key: str, text: str) -> str | None:
    words = words_of(key)
    if not _OTHER_UNITS.isdisjoint(words):
        return None
    last = next((word for word in reversed(words) if word not in _EMPTY and not word.isdecimal()), "")
    named = last in SIGNALS and _fits(last, text)
    return last if named else alike(key, lambda signal: _fits(signal, text))


def _fits(signal: str, text: str) -> bool:
    """Whether a text can be a value of a signal. Signals of the gateway and the session are no guess."""
    if signal in ("alive", "heard", "online"):
        return False
    if SIGNALS[signal].type in (SignalType.BOOL, SignalType.EVENT):
        return text.strip().lower() in _BOOLEANS
    return _NUMBER.fullmatch(text.strip()) is not None


def _input(values: Mapping[str, str]) -> str | None:
    """Returns the first key that looks like an input and is true or false."""
    return next(
        (
            key
            for key, text in values.items()
            if (text.strip().lower() in _BOOLEANS or text.startswith("{"))
            and any(_INPUT.fullmatch(word) for word in words_of(key))
        ),
        None,
    )
