"""The way of a batch in the log: each hop tells of it by one id, if that is asked for (`SIAGA_VERBOSE`)."""

import logging

import structlog

from siaga.wire.batch import BatchId

__all__ = ["WAY", "tell_way"]

WAY = "siaga.way"
"""The name of the logger. What it says is of level DEBUG."""
_level = logging.getLogger(WAY)


def tell_way(event: str, batch: BatchId, village: str, **more: object) -> None:
    """Log what happened to a batch, if that is asked for. It costs next to nothing if it is not."""
    if _level.isEnabledFor(logging.DEBUG):
        structlog.get_logger(WAY).debug(event, batch=str(batch), village=village, **more)
