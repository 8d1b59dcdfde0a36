"""`snmp`: the site's map says which OID is which signal. There are no defaults.

`OID.*` means all objects below an OID: numbers are added (clients over radios), and one true boolean is enough. `OID.#`
is the number of objects (rows of a table of stations); the rows themselves are not kept.

A number's meaning is in the agent's MIB, which the gateway does not have. It reads numbers by these rules:
- boolean: 1 is true or up, 2 false or down (TruthValue, RFC 2579; ifOperStatus, RFC 2863), 0 false. For ifOperStatus,
  the other states without traffic are down, too, and `unknown` is no observation;
- `uptime` in the standard MIBs (1.3.6.1.2.1) is in hundredths of a second and wraps after 497 days (TimeTicks);
  elsewhere it is in seconds, like snmpEngineTime;
- an event is read as a boolean, and happens when it turns true (`gateway.events`);
- only a counter may have the largest or smallest 32-bit number: a gauge with it is saturated or was never set.
"""

import math
from collections.abc import Sequence

from gateway.adapters.interface import Implausible, Installed, Translation
from gateway.pollers.interface import Agent, Answer, Question, Unasked, Values
from gateway.values import Refused, read_value
from siaga.model.signals import SIGNALS, SignalType, is_plausible
from siaga.sites.poll_address import Oid, read_host, read_oid

__all__ = ["Snmp"]

IF_OPER_STATUS = "1.3.6.1.2.1.2.2.1.8"
IF_ADMIN_STATUS = "1.3.6.1.2.1.2.2.1.7"
_ADMIN_STATUS = frozenset({1, 2, 3})
"""up, down, testing (RFC 2863). An interface under test carries no user traffic."""
_UNKNOWN_STATUS = 4
_NOTHING_PASSES = frozenset({2, 3, 5, 6, 7})
"""down, testing, dormant, notPresent, lowerLayerDown."""
STANDARD_MIBS = "1.3.6.1.2.1."
_COUNTERS = frozenset({"rx_bytes", "tx_bytes"})
_NEVER_SET = frozenset({2**31 - 1, -(2**31), 2**32 - 1})
_WORDS = {"up": True, "down": False, "enabled": True, "disabled": False}
"""Words of SNMP agents for a boolean, in addition to those of all devices."""


class Snmp:
    """An SNMP agent, as most access points have one."""

    def question(self, installed: Installed) -> Question | None:
        """Returns a question for all OIDs of the map, each once."""
        oids = [read_oid(key) for key in installed.keys]
        if not oids:
            return None
        single = dict.fromkeys(oid.number for oid in oids if not oid.table)
        tables = dict.fromkeys(oid.number for oid in oids if oid.table)
        return Agent(read_host(installed.address), tuple(single), tuple(tables))

    def translate(self, installed: Installed, question: Question, answer: Answer) -> Translation:  # noqa: ARG002
        """Returns the values that the agent has."""
        result = Translation()
        if not isinstance(answer, Values):
            if isinstance(answer, Unasked) and answer.spoke:
                result.heard, result.error = True, answer.how
            return result
        result.heard, result.error = True, answer.how
        for key, signal in installed.keys.items():
            oid = read_oid(key)
            try:
                raw = _raw(oid, signal, answer, result)
            except Refused as why:
                result.refused.append(why)
                continue
            installed.read(signal, raw, None, result, key=key)
        return result


def _raw(oid: Oid, signal: str, answer: Values, into: Translation) -> object:
    """Returns the raw value of a signal; `None` if the agent has none. A sum leaves out implausible values.

    Raises:
        Refused: a value of a table is no value of the signal.
    """
    if not oid.table:
        return _plain(oid.number, signal, answer.single.get(oid.number))
    rows = answer.tables.get(oid.number)
    if rows is None:
        return None
    if oid.table == "#":
        return bool(rows) if SIGNALS[signal].type is SignalType.BOOL else len(rows)
    values = [value for row in rows if (value := _plain(oid.number, signal, row)) is not None]
    return _together(signal, values, into)


def _together(signal: str, values: Sequence[object], into: Translation) -> object:
    if not values:
        return None
    if SIGNALS[signal].type in (SignalType.BOOL, SignalType.EVENT):
        return any(read_value(SIGNALS[signal], value) for value in values)
    numbers: list[int | float] = []
    for value in values:
        number = _number(value)
        if number is None:
            raise Refused("wrong_value", f"{signal}: {str(value)[:40]!r} is no number to be summed")
        if not math.isfinite(number):
            raise Refused("not_finite", f"{signal}: {number} is not a finite number")
        if is_plausible(SIGNALS[signal], number):
            numbers.append(number)
        else:
            into.implausible.append(Implausible(signal, number))
    return sum(numbers) if numbers else None


def _number(value: object) -> int | float | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    try:
        return float(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _plain(oid: str, signal: str, raw: object) -> object:
    """Returns one value of an agent in the form of other devices' values; `None` if it is no observation."""
    if isinstance(raw, bytes):
        raw = raw.decode("utf-8", "backslashreplace").strip("\0 ")
    if SIGNALS[signal].type in (SignalType.BOOL, SignalType.EVENT):
        return _boolean(oid, signal, raw)
    if isinstance(raw, int) and signal not in _COUNTERS and raw in _NEVER_SET:
        return None
    if signal == "uptime" and isinstance(raw, int) and oid.startswith(STANDARD_MIBS):
        return raw // 100
    return raw


def _boolean(oid: str, signal: str, raw: object) -> object:
    if isinstance(raw, str):
        return _WORDS.get(raw.lower(), raw)
    if oid == IF_OPER_STATUS or oid.startswith(IF_OPER_STATUS + "."):
        if raw == _UNKNOWN_STATUS:
            return None
        raw = False if raw in _NOTHING_PASSES else raw
    elif oid == IF_ADMIN_STATUS or oid.startswith(IF_ADMIN_STATUS + "."):
        raw = raw == 1 if raw in _ADMIN_STATUS else raw
    if isinstance(raw, int | float) and raw not in (0, 1, 2):
        # An integer in a MIB is a member of an enumeration, never the position of a cover.
        raise Refused("wrong_value", f"{signal}: {str(raw)[:40]} under {oid} is neither true nor false")
    return False if raw == 2 else raw
