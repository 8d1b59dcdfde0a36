"""The village of siaga's own, by which it proves that an alert arrives. It is in no registry and in no sites file."""

from siaga.model.clock import DAY, MINUTE
from siaga.model.sites import Adapter, Device, Facility, Village

__all__ = ["DEVICE", "GATEWAY", "PROBE", "PROBE_VILLAGE"]

PROBE = "00.00.00.0000"
"""Its code. No province has the code 00."""
GATEWAY = "gw"
DEVICE = "probe"
_NEVER = 3_650 * DAY
_SENSOR = Device(DEVICE, Adapter.SENML, 10 * MINUTE)
_GATE = Facility("probe", "gate", "siaga", (_SENSOR,), grace=0, recovery=0, target=0.0)
PROBE_VILLAGE = Village(
    PROBE,
    "siaga",
    0.0,
    100.0,
    "Asia/Jakarta",
    (_GATE,),
    remote=True,
    offline_after=_NEVER,
)
