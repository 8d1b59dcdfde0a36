"""What an alert is about: what every kind of subject has."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from api.alert_records.alert import OpenAlert

__all__ = ["Subject"]

_NONE: Mapping[str, OpenAlert] = MappingProxyType({})
"""The alerts of nearly all subjects: one object for all of them."""


@dataclass(slots=True, eq=False, kw_only=True)
class Subject:
    """A facility, a device, a gateway or the link of a village, with its open alerts by kind.

    `village` is the village's code. Its alerts name `facility_id` and `device_id`; a gateway counts as a device.
    `due`: when it is to be looked at next; `None`: there is no need.
    """

    village: str
    facility_id: str | None = None
    device_id: str | None = None
    alerts: Mapping[str, OpenAlert] = field(default_factory=lambda: _NONE)
    due: int | None = None

    @property
    def name(self) -> str:
        """Its name in alerts: `VILLAGE/FACILITY` or `VILLAGE/DEVICE`."""
        return f"{self.village}/{self.device_id or self.facility_id}"

    def attach(self, kind: str, alert: OpenAlert | None) -> None:
        """Set its open alert of a kind; `None`: no such alert is open."""
        if alert is not None:
            self.alerts = {**self.alerts, kind: alert}
        elif kind in self.alerts:
            self.alerts = {name: each for name, each in self.alerts.items() if name != kind} or _NONE

    def await_look(self, due: int | None) -> None:
        """It is to be looked at then."""
        self.due = due

    def changed(self, kind: str) -> None:
        """An alert of this kind was raised or has cleared."""

    def cleared(self, alert: OpenAlert, ended_at: int) -> None:
        """An alert of it has cleared: it was over at `ended_at`."""
