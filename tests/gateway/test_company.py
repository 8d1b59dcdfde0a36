"""Repetitions wait on disk for company, and what ends their wait."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from siaga.model.sites import Village
from tests.gateway.places import CODE, NOW, device, village
from tests.gateway.yard import Yard

GATE = device("gerbang-1", "senml")
POST = device("pos-1", "senml")
PLACE = village(("gate", [GATE]), ("night_guard", [POST]))
DEVICES = [device(f"gerbang-{number}", "senml") for number in range(20)]
TOWN = village(*[("gate", [each]) for each in DEVICES])


def say(yard: Yard, name: str, text: str) -> None:
    yard.say(f"siaga/v1/{CODE}/{name}/senml", f"[{text}]")


OPEN, SHUT = '{"n":"gate_open","vb":true}', '{"n":"gate_open","vb":false}'


def made(directory: Path, place: Village = PLACE) -> Yard:
    """Returns a gateway that has sent that the gate is open, and its heartbeat, a second and a half ago."""
    yard = Yard(directory, [place])
    yard.after(0.5)
    say(yard, "gerbang-1", OPEN)
    yard.after(1.5)
    assert gates(yard) == [(500, True)]
    return yard


def gates(yard: Yard) -> list[tuple[int, object]]:
    return [(time - NOW, value) for time, value in yard.centre.values("gerbang-1", "gate_open")]


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    yard = made(tmp_path)
    yield yard
    yard.buffer._db.close()


def test_it_waits_on_disk_and_its_device_is_acknowledged_as_soon_as_ever(yard: Yard) -> None:
    say(yard, "gerbang-1", OPEN)
    yard.after(0.5)
    assert yard.devices.kept("gateway") == 0, "the village's broker has its PUBACK"
    assert len(yard.waiting(CODE)) == 1, "it is on disk, in no batch"
    assert gates(yard) == [(500, True)]


def test_the_next_heartbeat_takes_it_along(yard: Yard) -> None:
    say(yard, "gerbang-1", OPEN)
    batches = len(yard.centre.batches)
    yard.after(29)
    assert gates(yard) == [(500, True), (2000, True)]
    assert len(yard.centre.batches) == batches + 1
    assert [time - NOW for time, _ in yard.centre.values("gw", "alive")] == [0, 30_000]


def test_a_change_goes_at_once_and_takes_along_what_waits(yard: Yard) -> None:
    say(yard, "gerbang-1", OPEN)
    yard.after(5)
    say(yard, "gerbang-1", SHUT)
    batches = len(yard.centre.batches)
    yard.after(0.5)
    assert gates(yard) == [(500, True), (2000, True), (7000, False)]
    assert len(yard.centre.batches) == batches + 1


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('{"n":"checkin","v":1}', id="an event"),
        pytest.param('{"n":"presence","vb":true}', id="a first report"),
        pytest.param('{"n":"nothing","v":1}', id="nothing of use: heard"),
    ],
)
def test_what_is_news_of_another_device_takes_it_along(yard: Yard, text: str) -> None:
    say(yard, "gerbang-1", OPEN)
    yard.after(0.5)
    say(yard, "pos-1", text)
    yard.after(0.5)
    assert len(gates(yard)) == 2


def test_a_device_that_reports_often_waits_for_half_of_its_interval(tmp_path: Path) -> None:
    yard = made(tmp_path, village(("gate", [device("gerbang-1", "senml", every=20_000)])))
    say(yard, "gerbang-1", OPEN)
    yard.after(9.5)
    assert len(gates(yard)) == 1
    yard.after(1)
    assert len(gates(yard)) == 2


def test_with_another_connection_it_is_said_once_more(yard: Yard) -> None:
    yard.centre_side.cut()
    yard.after(1)
    yard.centre_side.restore()
    yard.after(1)
    say(yard, "gerbang-1", OPEN)
    yard.after(0.5)
    assert len(gates(yard)) == 2


def test_without_a_link_nothing_waits_longer(yard: Yard) -> None:
    yard.centre_side.cut()
    for _ in range(3):
        say(yard, "gerbang-1", OPEN)
        yard.after(60)
    yard.centre_side.restore()
    yard.after(1)
    assert len(gates(yard)) == 4


def test_a_clean_end_sends_what_waits(yard: Yard) -> None:
    say(yard, "gerbang-1", OPEN)
    yard.after(0.5)
    yard.gateway.close()
    yard.centre.listen()
    assert len(gates(yard)) == 2


def test_after_a_restart_what_waited_is_sent_at_once(yard: Yard) -> None:
    say(yard, "gerbang-1", OPEN)
    yard.after(0.5)
    yard.kill()
    yard.start()
    yard.after(0.5)
    assert len(gates(yard)) == 2


def test_when_the_disk_fails_what_waits_is_sent_from_memory(yard: Yard) -> None:
    say(yard, "gerbang-1", OPEN)
    yard.after(0.5)
    yard.buffer.fill_up()
    say(yard, "pos-1", '{"n":"presence","vb":true}')
    yard.after(1)
    assert len(gates(yard)) == 2
    say(yard, "gerbang-1", OPEN)
    yard.after(1)
    assert len(gates(yard)) == 3, "and nothing waits while it fails"
    yard.buffer.make_room()
    yard.after(30)
    assert not yard.waiting(CODE)
    assert len(gates(yard)) == 3


def test_nothing_waits_on_a_disk_that_is_nearly_full(yard: Yard) -> None:
    yard.buffer.max_readings = 10
    yard.centre.acknowledging = False
    for number in range(8):
        say(yard, "pos-1", f'{{"n":"battery","v":{number}}}')
        yard.after(1)
    say(yard, "gerbang-1", OPEN)
    yard.after(2)
    assert len(gates(yard)) == 2


def test_twenty_devices_make_two_batches_a_minute(tmp_path: Path) -> None:
    yard = Yard(tmp_path, [TOWN])
    for second in range(300):
        for number, each in enumerate(DEVICES):
            if second % 60 == 3 * number:
                say(yard, each.id, f'{OPEN},{{"n":"rssi","v":{-60 - second % 7}}},{{"n":"battery","v":88}}')
        yard.after(1, step=0.5)
        if second == 60:
            first_minute, beats = len(yard.centre.batches), len(yard.centre.values("gw", "alive"))
    assert first_minute > 20, "each device's first report is news"
    assert len(yard.centre.batches) - first_minute == len(yard.centre.values("gw", "alive")) - beats
    said = [key for key in yard.centre.stored | yard.waiting(CODE) if key[1] != "gw"]
    assert len(said) == 20 * 3 * 5
