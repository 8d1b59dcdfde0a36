"""Renders the comparison as a table for a terminal."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from siaga.verify.comparison import Comparison

__all__ = ["table"]

MOST = 20
"""Facilities that are listed. Those that do not agree come first, and are all listed."""


def table(comparison: Comparison) -> RenderableType:
    """Returns a table of facilities, then sentences about alerts and readings, then the verdict."""
    return Group(_facilities(comparison), *_sentences(comparison))


def _facilities(comparison: Comparison) -> Table:
    drawn = Table(title=f"{comparison.truth.scenario or 'truth'}, seed {comparison.truth.seed} (seconds)")
    drawn.add_column("facility", no_wrap=True)
    for head in ("failed", "siaga: failed", "unknown", "wrong", "allowed", "misplaced", "held", "unexplained"):
        drawn.add_column(head, justify="right")
    drawn.add_column("")
    ordered = sorted(comparison.facilities, key=lambda each: (each.agrees, -each.misplaced, -each.wrong))
    shown = max(MOST, sum(not each.agrees for each in ordered))
    for each in ordered[:shown]:
        numbers = (each.failed, each.told_failed, each.told_unknown, each.wrong, each.allowed)
        faults = (each.misplaced, each.held, each.unexplained)
        drawn.add_row(
            each.facility, *(f"{number:.1f}" for number in (*numbers, *faults)), "ok" if each.agrees else "DIFFERS"
        )
    if len(ordered) > shown:
        drawn.add_row(f"and {len(ordered) - shown} more", *("",) * 8, "ok")
    return drawn


def _sentences(comparison: Comparison) -> Iterator[Text]:
    alerts, readings = comparison.alerts, comparison.readings
    yield Text(
        f"alerts: {alerts.due} due, {len(alerts.missed)} missed, {len(alerts.false)} false, {alerts.raised} raised"
    )
    if (half := alerts.delay(0.5)) is not None:
        yield Text(f"detection: p50 {half:.2f} s, p99 {alerts.delay(0.99):.2f} s after it was due")
    for due in alerts.missed:
        yield Text(f"  missed: {due.kind} of {due.subject}, which began at {due.began / 1000:.1f}")
    for false in alerts.false:
        yield Text(f"  false: {false.kind} of {false.subject} ({false.cause}), from {false.began_at / 1000:.1f}")
    said = comparison.complaints
    if said.made:
        yield Text(f"complaints: {said.made} made, {said.contradicting} contradict the sensors")
        for name in ("refused", "missing", "wrong", "unsaid"):
            found: tuple[str, ...] = getattr(said, name)
            if found:
                yield Text(f"  {name}: {', '.join(found[:MOST])}")
    yield Text(
        f"readings: {readings.said} said, {readings.stored} stored, {readings.lost} lost, {readings.doubled} doubled"
    )
    for each in readings.wrong[:MOST]:
        where = f"{each.village}/{each.device}/{each.signal}"
        yield Text(f"  {where}: {each.stored} stored, {each.must} to {each.may} expected")
    for code, refused in comparison.refused.items():
        yield Text(f"quarantine of {code}: {refused} payloads refused")
    yield Text("siaga agrees with the truth" if comparison.agrees else "siaga DIFFERS from the truth", style="bold")
