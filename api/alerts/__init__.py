"""The alert engine and what it hands out: `AlertService` runs it, `EventSignal` rings when there are new events."""

from api.alerts.documents import alert_document
from api.alerts.engine import AlertEngine
from api.alerts.service import AlertService
from api.alerts.stream import EventSignal

__all__ = ["AlertEngine", "AlertService", "EventSignal", "alert_document"]
