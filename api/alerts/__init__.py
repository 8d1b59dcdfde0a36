"""The alert engine. `AlertService` runs it."""

from api.alerts.engine import AlertEngine
from api.alerts.service import AlertService

__all__ = ["AlertEngine", "AlertService"]
