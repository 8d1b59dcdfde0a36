"""The sentences of `siaga gateway check`: what works and what does not, from the gateway's own report."""

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.report import DeviceReport, GatewayReport
from siaga.model.clock import HOUR, MINUTE, SECOND
from siaga.model.durations import format_duration
from siaga.model.signals import Value

__all__ = ["Line", "check"]

SILENT_AFTER = 3
"""A device is silent after this many of its intervals: its values have expired then (contract, section 5)."""
FULL = 0.8
"""Fill ratio above which the centre raises `gateway_buffer` (contract, section 5)."""


@dataclass(frozen=True, slots=True)
class Line:
    """The result of one check. `good` is `None` for a note: nothing is wrong."""

    good: bool | None
    what: str
    sentence: str


def check(report: GatewayReport) -> list[Line]:
    """Returns the gateway's own lines first, then at least one line for each device."""
    return [*_own(report), *(line for device in report.devices for line in _device(device, report.now))]


def _own(report: GatewayReport) -> Iterator[Line]:
    yield _whether("broker", report.village_problem, "devices can reach this gateway")
    yield _whether("link", report.centre_problem, "the centre's broker answers")
    if report.time_known:
        yield Line(True, "time", "this machine knows the time")
    else:
        waiting = f"; {_count(report.undated, 'message waits', 'messages wait')} for it" if report.undated else ""
        yield Line(False, "time", f"this machine does not know the time yet: check the network's NTP{waiting}")
    if report.disk_problem:
        yield Line(False, "disk", f"{report.disk_problem}; until it is mended this gateway runs from memory")
    else:
        waiting = _count(report.buffered, "reading waits", "readings wait")
        full = f"the buffer is {report.fill:.0%} full, {waiting} for the centre"
        yield Line(report.fill <= FULL, "disk", full)
    if report.sites_problem:
        yield Line(False, "sites", f"{report.sites_problem}; what was known before stays in use")
    if report.thinned:
        given_up = _count(report.thinned, "reading was", "readings were")
        yield Line(None, "disk", f"{given_up} given up for want of room, the least important first")


def _whether(what: str, problem: str | None, good: str) -> Line:
    return Line(problem is None, what, problem or good)


def _device(device: DeviceReport, now: int) -> Iterator[Line]:
    where = f"{device.adapter}, {device.address}" if device.address else device.adapter
    if device.seen is None:
        hint = "is its address right? `siaga gateway devices` shows what is on the broker"
        asked = f"; asked, it {device.polled}" if device.polled else f"; {hint}"
        yield Line(False, device.device, f"not heard since this gateway started ({where}){asked}")
    else:
        ago = max(0, now - device.seen)
        silent = ago > SILENT_AFTER * device.every
        said = f"last heard {_ago(ago)}"
        if silent:
            said += f", though it should report every {format_duration(device.every)}"
        elif device.online is False:
            said += "; it has left the broker since (last will)"
        yield Line(
            not silent and device.online is not False, device.device, f"{said} ({where}): {_values(device, now)}"
        )
    if device.offset is not None:
        off = "ahead" if device.offset > 0 else "behind"
        clock = f"its clock is {_span(abs(device.offset))} {off} and not trusted: the time of receipt counts"
        yield Line(None, device.device, clock)
    if device.instead:
        why = f"; {device.error}" if device.error else ""
        yield Line(False, device.device, f"it speaks, and what is due does not come: {device.instead}{why}")
    if device.refused:
        refused = _count(device.refused, "message", "messages")
        yield Line(False, device.device, f"{refused} refused, the last because {device.refusal}")
    for signal, (number, last) in sorted(device.implausible.items()):
        dropped = _count(number, "value was", "values were")
        yield Line(False, device.device, f"{signal}: {dropped} not plausible and dropped, the last {_value(last)}")


def _values(device: DeviceReport, now: int) -> str:
    """Returns the latest values as text, with the age of each that has expired."""
    if not device.values:
        return "nothing that the sites file asks for; see `map`"
    parts = []
    for signal, (time, value) in sorted(device.values.items()):
        age = now - time
        old = f" ({_ago(age)})" if age > SILENT_AFTER * device.every or device.online is False else ""
        parts.append(f"{signal} {_value(value)}{old}")
    return ", ".join(parts)


def _value(value: Value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _count(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"


def _ago(milliseconds: int) -> str:
    return "just now" if milliseconds < SECOND else f"{_span(milliseconds)} ago"


def _span(milliseconds: int) -> str:
    for unit, name in ((24 * HOUR, "d"), (HOUR, "h"), (MINUTE, "min")):
        if milliseconds >= 2 * unit:
            return f"{milliseconds // unit} {name}"
    return f"{max(1, milliseconds // SECOND)} s"
