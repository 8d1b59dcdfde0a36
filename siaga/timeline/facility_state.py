"""From what each device says at one instant to the facility's state and its cause.

Contract, section 5, rules 2 to 5. What is *asked* of a device is its participating evidence, in the indicator's order:
the signal's name (the stand-in's where it stands in) and whether it is met, not met, or not known.
"""

from collections.abc import Sequence
from typing import NamedTuple

from siaga.model.sites import Needs, Silence
from siaga.timeline.logic import RULES, Ternary, all_of, any_of
from siaga.timeline.spans import State

__all__ = ["DEVICE_SILENT", "NO_EVIDENCE", "VILLAGE_OFFLINE", "Asked", "DeviceSays", "facility_state"]

VILLAGE_OFFLINE = "village_offline"
"""Cause: the village's gateway is not heard."""
NO_EVIDENCE = "no_evidence"
"""Cause: no device of the facility can give a signal of the indicator, or one speaks and gives none."""
DEVICE_SILENT = "device_silent"
"""Cause: all evidence of a silent device is unknown, and that decides the state."""

Asked = Sequence[tuple[str, Ternary]]
"""The participating evidence of one device: signal and whether it is met."""


class DeviceSays(NamedTuple):
    """What one device says at an instant: its evidence, and whether it is silent (rule 3)."""

    asked: Asked
    silent: bool

    @property
    def gives_none(self) -> bool:
        """Whether all of its evidence is unknown, also when nothing is asked of it yet."""
        return all(value is None for _, value in self.asked)


def facility_state(
    rule: str, needs: Needs, silence: Silence, devices: Sequence[DeviceSays]
) -> tuple[State, str | None]:
    """Returns the state and the cause, while the gateway is heard.

    Args:
        rule: how the indicator combines a device's signals, by its name in `RULES`.
        needs: how the facility combines its devices.
        silence: what a silent device without evidence is taken for.
        devices: those that take part, in the site's order.
    """
    if not devices:
        return State.UNKNOWN, NO_EVIDENCE
    combine = any_of if needs is Needs.ANY else all_of
    said = [None if device.gives_none else RULES[rule](value for _, value in device.asked) for device in devices]
    quiet = [device.silent and device.gives_none for device in devices]
    quiet_means: Ternary = False if silence is Silence.FAILED else None
    taken = [quiet_means if is_quiet else value for is_quiet, value in zip(quiet, said, strict=True)]
    state = combine(taken)
    if state is True:
        return State.MET, None
    if state is False:
        # Silence decides a failure that would be none without it
        by_signal = combine(said) is False
        return State.FAILED, _deciding_signal(taken, devices, state) if by_signal else DEVICE_SILENT
    if quiet_means is None and any(quiet):
        return State.UNKNOWN, DEVICE_SILENT
    if any(device.gives_none and not device.silent for device in devices):
        return State.UNKNOWN, NO_EVIDENCE
    return State.UNKNOWN, _deciding_signal(taken, devices, state)


def _deciding_signal(values: Sequence[Ternary], devices: Sequence[DeviceSays], state: Ternary) -> str:
    """The first signal that says so, of the first device that does.

    By every rule a device that is false has a false signal and the first of them decides; so with not known. A silent
    device that counts as failed has none, and is passed over.
    """
    return next(
        name
        for value, device in zip(values, devices, strict=True)
        if value is state
        for name, said in device.asked
        if said is state
    )
