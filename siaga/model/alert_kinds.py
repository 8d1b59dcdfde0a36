"""The kinds of alerts, each with its severity."""

from collections.abc import Mapping
from enum import StrEnum

__all__ = ["SEVERITIES", "Kind"]


class Kind(StrEnum):
    """The kinds of alerts."""

    FACILITY_FAILED = "facility_failed"
    INDICATOR_MISSED = "indicator_missed"
    DEVICE_SILENT = "device_silent"
    NO_EVIDENCE = "no_evidence"
    VILLAGE_OFFLINE = "village_offline"
    GATEWAY_BUFFER = "gateway_buffer"
    CLOCK_SKEW = "clock_skew"
    SENSOR_DOUBTED = "sensor_doubted"


SEVERITIES: Mapping[str, str] = {
    Kind.FACILITY_FAILED: "major",
    Kind.INDICATOR_MISSED: "critical",
    Kind.DEVICE_SILENT: "minor",
    Kind.NO_EVIDENCE: "minor",
    Kind.VILLAGE_OFFLINE: "major",
    Kind.GATEWAY_BUFFER: "warning",
    Kind.CLOCK_SKEW: "warning",
    Kind.SENSOR_DOUBTED: "warning",
}
"""As the contract has them, section 5."""
