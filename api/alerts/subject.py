"""What alerts are about: what every subject has, whichever it is."""

from dataclasses import dataclass, field

from api.alerts.alert import Kind, OpenAlert

__all__ = ["Subject"]


@dataclass(slots=True, eq=False, kw_only=True)
class Subject:
    """A facility, a device or a gateway of a village, with its open alerts.

    `village` is the village's code; `due` belongs to `api.alerts.deadlines`.
    """

    village: str
    alerts: dict[Kind, OpenAlert] = field(default_factory=dict)
    due: int | None = None

    @property
    def facility_id(self) -> str | None:
        """The facility that its alerts name."""
        return None

    @property
    def device_id(self) -> str | None:
        """The device or gateway that its alerts name."""
        return None
