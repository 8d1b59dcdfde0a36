"""What an alert is about: what every kind of subject has."""

from dataclasses import dataclass, field

from api.alert_records.alert import OpenAlert
from siaga.timeline.span_algebra import FOREVER

__all__ = ["Subject"]


@dataclass(slots=True, eq=False, kw_only=True)
class Subject:
    """A facility, a device, a gateway or the link of a village, with its open alerts by kind.

    `village` is the village's code. Its alerts name `facility_id` and `device_id`; a gateway counts as a device.
    `rests_until`: until then (wall time, ms) time alone changes none of its alerts. Whatever happens to it ends that.
    """

    village: str
    facility_id: str | None = None
    device_id: str | None = None
    alerts: dict[str, OpenAlert] = field(default_factory=dict)
    rests_until: int = -FOREVER

    @property
    def name(self) -> str:
        """Its name in alerts: `VILLAGE/FACILITY` or `VILLAGE/DEVICE`."""
        return f"{self.village}/{self.device_id or self.facility_id}"

    def attach(self, kind: str, alert: OpenAlert | None) -> None:
        """Set its open alert of a kind; `None`: no such alert is open."""
        if alert is None:
            self.alerts.pop(kind, None)
        else:
            self.alerts[kind] = alert

    def stir(self) -> None:
        """Something happened that may bear on its alerts: the next look asks about each of them."""
        self.rests_until = -FOREVER

    def rest(self, until: int) -> None:
        """All its alerts were asked about. Time alone changes none of them before `until`."""
        self.rests_until = until

    def changed(self, kind: str) -> None:
        """An alert of this kind was raised or has cleared."""
