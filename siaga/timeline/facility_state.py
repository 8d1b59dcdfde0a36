"""From what each device's signals say at one instant to the facility's state and its cause.

Contract, section 5, rules 2 to 5. What is *asked* of a device is its participating evidence, in the indicator's order:
the signal's name (the stand-in's where it stands in) and whether it is met, not met, or not known.
"""

from collections.abc import Sequence

from siaga.model.sites import Needs, Silence
from siaga.timeline.logic import RULES, Ternary, all_of, any_of
from siaga.timeline.spans import State

__all__ = ["DEVICE_SILENT", "NO_EVIDENCE", "VILLAGE_OFFLINE", "Asked", "facility_state"]

VILLAGE_OFFLINE = "village_offline"
"""Cause: the village's gateway is not heard."""
NO_EVIDENCE = "no_evidence"
"""Cause: no device of the facility can give a signal of the indicator."""
DEVICE_SILENT = "device_silent"
"""Cause: all of a device's evidence is unknown, and that decides the state."""

Asked = Sequence[tuple[str, Ternary]]
"""The participating evidence of one device: signal and whether it is met."""


def facility_state(rule: str, needs: Needs, silence: Silence, devices: Sequence[Asked]) -> tuple[State, str | None]:
    """The state and the cause, from the devices that take part, in the site's order, while the gateway is heard."""
    if not devices:
        return State.UNKNOWN, NO_EVIDENCE
    combine = any_of if needs is Needs.ANY else all_of
    silent = [all(value is None for _, value in asked) for asked in devices]
    heard = [None if quiet else RULES[rule](v for _, v in asked) for quiet, asked in zip(silent, devices, strict=True)]
    quiet_means: Ternary = False if silence is Silence.FAILED else None
    taken = [quiet_means if quiet else value for quiet, value in zip(silent, heard, strict=True)]
    state = combine(taken)
    if state is True:
        return State.MET, None
    # Silence decides a failure if without it there would be none; it decides an unknown by being a part of it.
    failed_anyway, part_of_unknown = combine(heard) is False, quiet_means is None and any(silent)
    decided_by_silence = not failed_anyway if state is False else part_of_unknown
    cause = DEVICE_SILENT if decided_by_silence else _deciding_signal(taken, devices, state)
    return (State.FAILED if state is False else State.UNKNOWN), cause


def _deciding_signal(values: Sequence[Ternary], devices: Sequence[Asked], state: Ternary) -> str:
    """The first signal that says so, of the first device that does.

    By every rule a device that is false has a false signal and the first of them decides; so with not known. A silent
    device that counts as failed has none, and is passed over.
    """
    return next(
        name
        for value, asked in zip(values, devices, strict=True)
        if value is state
        for name, said in asked
        if said is state
    )
