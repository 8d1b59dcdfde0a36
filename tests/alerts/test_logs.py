"""A batch is logged by its id, with the alerts that it opened."""

import logging

import pytest
from structlog.testing import capture_logs

from siaga.model.clock import MINUTE
from siaga.model.observation import Reading
from siaga.mqtt.way import WAY
from tests.alerts.world import World

EPOCH = "0b0c3f4e-1111-4a5e-9d6b-000000000001"


def test_a_batch_is_logged_by_its_id(world: World, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, WAY), capture_logs() as said:
        world.send([Reading("gw", "alive", world.clock.now(), True)], epoch=EPOCH)
        world.let(MINUTE)
    [line] = [each for each in said if each["event"] == "batch_judged"]
    assert line["batch"].startswith(f"{EPOCH}/")
    assert (line["gateway"], line["opened"], line["log_level"]) == ("gw", [], "debug")
