"""The order in which readings are dropped when the buffer is full."""

from siaga.model.signals import SIGNALS, SignalType

__all__ = ["LEVELS", "priority"]

LEVELS = 4
"""The number of priorities. 0 is dropped first. The highest shows that the gateway itself ran."""
_DIAGNOSTIC = frozenset({"rssi", "uptime", "battery", "rx_bytes", "tx_bytes", "clients", "latency", "energy"})


def priority(signal: str) -> int:
    """Returns the priority of a signal.

    0: a diagnostic. 1: a measurement. 2: a state or an event, which decides an indicator. 3: `alive`.
    """
    if signal == "alive":
        return 3
    if signal in _DIAGNOSTIC:
        return 0
    known = SIGNALS.get(signal)
    return 2 if known is not None and known.type in (SignalType.BOOL, SignalType.EVENT) else 1
