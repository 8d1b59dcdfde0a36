"""What runs the alert engine: messages in, one commit, questions to the telemetry store. `AlertService` runs it.

What makes an alert is in `api.alerts`, which has no I/O.
"""

from api.engine.engine import AlertEngine
from api.engine.service import AlertService

__all__ = ["AlertEngine", "AlertService"]
