"""Which readings make room first when a buffer is full."""

from siaga.model.signals import SIGNALS, SignalType

__all__ = ["LEVELS", "priority"]

LEVELS = 4
"""0 goes first; the highest is what says that the gateway itself was there."""
_DIAGNOSTIC = frozenset({"rssi", "uptime", "battery", "rx_bytes", "tx_bytes", "clients", "latency", "energy"})


def priority(signal: str) -> int:
    """0: tells how a device is. 1: a measurement. 2: a state or an event, which decides an indicator. 3: `alive`."""
    if signal == "alive":
        return 3
    if signal in _DIAGNOSTIC:
        return 0
    known = SIGNALS.get(signal)
    return 2 if known is not None and known.type in (SignalType.BOOL, SignalType.EVENT) else 1
