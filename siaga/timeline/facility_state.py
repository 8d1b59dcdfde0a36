"""Combines the evidence of devices at one instant into the facility's state and its cause.

Contract, section 5, rules 2 to 5. What is *asked* of a device is its participating evidence, in the indicator's order:
the name of the signal (or of its stand-in), and whether it is met, not met, or unknown.
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
"""Cause: no device of the facility can give a signal of the indicator, or one reports but gives none."""
DEVICE_SILENT = "device_silent"
"""Cause: all evidence of a silent device is unknown, and this decides the state."""

Asked = Sequence[tuple[str, Ternary]]
"""The participating evidence of one device: each signal, and whether it is met."""


class DeviceSays(NamedTuple):
    """The evidence of one device at an instant, and whether it is silent (rule 3)."""

    asked: Asked
    silent: bool

    @property
    def gives_none(self) -> bool:
        """Returns whether all of its evidence is unknown. True if no evidence is required of it yet."""
        return all(value is None for _, value in self.asked)


def facility_state(
    rule: str, needs: Needs, silence: Silence, devices: Sequence[DeviceSays]
) -> tuple[State, str | None]:
    """Returns the state and its cause, for a time when the gateway is heard.

    Args:
        rule: how the indicator combines a device's signals; a name in `RULES`.
        needs: how the facility combines its devices.
        silence: the state that a silent device without evidence counts as.
        devices: the participating devices, in the order of the sites file.
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
        # If the evidence alone is not a failure, silence decides it.
        by_signal = combine(said) is False
        return State.FAILED, _deciding_signal(taken, devices, state) if by_signal else DEVICE_SILENT
    if quiet_means is None and any(quiet):
        return State.UNKNOWN, DEVICE_SILENT
    if any(device.gives_none and not device.silent for device in devices):
        return State.UNKNOWN, NO_EVIDENCE
    return State.UNKNOWN, _deciding_signal(taken, devices, state)


def _deciding_signal(values: Sequence[Ternary], devices: Sequence[DeviceSays], state: Ternary) -> str:
    """Returns the first signal with this state, of the first device with this state.

    With every rule, a false device has a false signal, and an unknown one an unknown signal; the first decides. A
    silent device that counts as failed has no such signal, and is skipped.
    """
    return next(
        name
        for value, device in zip(values, devices, strict=True)
        if value is state
        for name, said in device.asked
        if said is state
    )
