"""Telling people of alerts: `NotificationService` runs it, `load_book` reads whom to tell of what.

An alert's event leaves a notice in its own transaction. The `Planner` turns notices into messages, one for each
recipient; a `Sender` takes them one by one to the providers. Decisions are pure: `rules`, `digest`, `escalation`,
`backoff`, `messages`.
"""

from api.notifications.book import Book
from api.notifications.book_file import load_book
from api.notifications.channels import open_channel
from api.notifications.metrics import NotificationMetrics
from api.notifications.service import NotificationService

__all__ = ["Book", "NotificationMetrics", "NotificationService", "load_book", "open_channel"]
