"""Sets up logs: for people on a terminal, as JSON lines elsewhere. They contain no passwords."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import TextIO

import structlog
from structlog.typing import Processor

from siaga.mqtt.way import WAY

__all__ = ["set_up_logs", "tell_the_way"]

_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]*@")
_TOKEN = re.compile(r"\bsiaga_[A-Za-z0-9_-]{20,}")
_LINK = re.compile(r"(?<=/welcome/)[^/\s'\"?]+")


def set_up_logs(stream: TextIO | None = None, *, verbose: bool = False) -> None:
    """Send all logs, including those of libraries, to `stream` (by default standard error)."""
    stream = stream or sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        without_secrets,
    ]
    terminal = stream.isatty()
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(colors=True) if terminal else structlog.processors.JSONRenderer(default=str)
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared[:2], structlog.stdlib.ExtraAdder(), *shared[2:]],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.DEBUG if verbose else logging.INFO)
    for noisy in ("alembic", "uvicorn.access", "uvicorn.error", "urllib3", "sqlalchemy", "asyncio", "rx"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def tell_the_way() -> None:
    """Log each batch on its way, too: sent, stored, judged, with its one id."""
    logging.getLogger(WAY).setLevel(logging.DEBUG)


def without_secrets(_logger: object, _method: str, event: MutableMapping[str, object]) -> MutableMapping[str, object]:
    """Returns the event without passwords in addresses, and without tokens and the secrets of sign-in links."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = _LINK.sub("***", _TOKEN.sub("siaga_***", _CREDENTIALS.sub("***@", value)))
    return event
