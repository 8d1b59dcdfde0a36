"""The gateway's health message to the centre: retained, and published only when it changed."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from itertools import islice

import orjson

from gateway.heard import Instead
from gateway.intake import Intake
from gateway.outbox import Outbox
from siaga.model.clock import SECOND
from siaga.mqtt.transport import Transport
from siaga.wire.topics import health_topic

__all__ = ["Health"]

HEALTH_EVERY = 10 * SECOND
"""The shortest time between two health messages, ms."""
MAX_HEARD = 64
"""Devices with missing signals that a message names at most; the rest are counted."""


class Health:
    """Publishes `siaga/v1/{village}/gateway/{gateway}/health`.

    It holds the devices with clock skew, the devices that report but lack expected signals, the buffer's state, and
    the version of siaga.
    """

    def __init__(self, centre: Transport) -> None:
        self._centre, self._version = centre, version("siaga")
        self._told: dict[str, bytes] = {}
        self._due = 0

    def forget(self) -> None:
        """Publish again at the next report: the centre's broker may have lost the retained message."""
        self._told.clear()

    def report(
        self,
        villages: Sequence[str],
        gateways: Mapping[str, str],
        intake: Intake,
        outbox: Outbox,
        now: int,
        wall: int,
    ) -> None:
        """Publish the health of each village if it changed. `now`: monotonic ms; `wall`: wall time, ms.

        A device whose clock was not heard since the start is in neither list.
        """
        if now < self._due or not self._centre.connected:
            return
        self._due = now + HEALTH_EVERY
        incomplete = intake.instead(wall)
        for village in villages:
            heard = incomplete.get(village, {})
            clocks = {
                device: {"offset": skew.offset / 1000, "since": skew.since / 1000}
                for (place, device), skew in intake.skewed.items()
                if place == village
            }
            text = orjson.dumps(
                {
                    "clocks": clocks,
                    "trusted": sorted(device for place, device in intake.trusted if place == village),
                    "heard": {device: _said(each) for device, each in islice(heard.items(), MAX_HEARD)},
                    "heard_left_out": max(0, len(heard) - MAX_HEARD),
                    "buffer": round(outbox.disk.fill, 2),
                    "thinned": outbox.disk.thinned,
                    "disk": "memory" if outbox.problem else "ok",
                    "version": self._version,
                }
            )
            topic = health_topic(village, gateways[village])
            if self._told.get(village) != text and self._centre.publish(topic, text, retain=True):
                self._told[village] = text


def _said(instead: Instead) -> dict[str, object]:
    said: dict[str, object] = {"since": instead.since / 1000, "what": instead.what}
    return said | {"error": instead.error} if instead.error else said
