"""The kinds of alerts, a file each. `village_offline`, which several villages may share, is
carried out by `api.alerts.outages`."""

from api.alerts.kinds.clock_skew import ClockSkew
from api.alerts.kinds.device_silent import DeviceSilent
from api.alerts.kinds.facility_failed import FacilityFailed
from api.alerts.kinds.gateway_buffer import GatewayBuffer
from api.alerts.kinds.indicator_missed import IndicatorMissed
from api.alerts.kinds.kind import AlertKind, Look
from api.alerts.kinds.no_evidence import NoEvidence
from api.alerts.kinds.sensor_doubted import SensorDoubted

__all__ = ["OF_DEVICES", "OF_FACILITIES", "OF_GATEWAYS", "AlertKind", "Look"]

OF_FACILITIES = (FacilityFailed(), IndicatorMissed(), SensorDoubted())
OF_DEVICES = (DeviceSilent(), NoEvidence(), ClockSkew())
OF_GATEWAYS = (GatewayBuffer(),)
