"""The stories of the engine begin with the same village as those of its alerts."""

from tests.alerts.conftest import looks, world

__all__ = ["looks", "world"]
