"""The gateway on brokers in memory and a simulated clock: every message takes its real path."""

import logging
import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import orjson
import pytest
from structlog.testing import capture_logs

from gateway import last_will
from siaga.model.sites import Village
from siaga.mqtt.way import WAY
from siaga.wire.batch import BatchId, encode_ack
from siaga.wire.topics import ack_topic
from tests.gateway.places import CODE, MINUTE, NOW, device, village
from tests.gateway.yard import Yard

GATE = device("gerbang-1", "tasmota", "gerbang", {"Switch1": "gate_open"})
POST = device("pos-1", "senml")
PLACE = village(("gate", [GATE]), ("night_guard", [POST]))
SENML = f"siaga/v1/{CODE}/pos-1/senml"
STATUS = f"siaga/v1/{CODE}/gateway/gw/status"


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    yard = Yard(tmp_path, [PLACE])
    yield yard
    yard.buffer._db.close()


def sensor(seconds_from_now: float, switch: str, now: int = NOW) -> str:
    """A Tasmota message with the village's local time."""
    from datetime import UTC, datetime, timedelta

    moment = datetime.fromtimestamp(now / 1000, UTC) + timedelta(hours=7, seconds=seconds_from_now)
    return f'{{"Time":"{moment:%Y-%m-%dT%H:%M:%S}","Switch1":"{switch}"}}'


def test_a_reading_reaches_the_centre_with_the_device_s_time(yard: Yard) -> None:
    yard.turn()
    yard.say("tele/gerbang/SENSOR", sensor(-60, "ON"))
    yard.after(12)
    assert yard.centre.values("gerbang-1", "gate_open") == [(NOW - MINUTE, True)]
    assert yard.buffer.readings == 0, "what is acknowledged is deleted"


def test_a_batch_is_logged_on_its_way_by_its_one_id(yard: Yard, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, WAY), capture_logs() as said:
        yard.after(12)
    ways: dict[str, list[str]] = {}
    for line in said:
        if "batch" in line:
            ways.setdefault(line["batch"], []).append(line["event"])
    assert ways
    assert all(way == ["batch_sent", "batch_acknowledged"] for way in ways.values())


def test_the_heartbeat_is_said_at_the_start_and_every_30_s(yard: Yard) -> None:
    yard.after(95)
    assert [time - NOW for time, _ in yard.centre.values("gw", "alive")] == [0, 30_000, 60_000, 90_000]


def test_the_device_is_acknowledged_after_the_commit_and_not_before(yard: Yard) -> None:
    yard.turn()
    yard.say("tele/gerbang/SENSOR", sensor(0, "ON"))
    yard.take()
    assert yard.devices.kept("gateway") == 1
    yard.clock.advance(200)
    yard.gateway.tick()
    assert yard.devices.kept("gateway") == 0


def test_killed_before_the_commit_the_broker_sends_it_again(yard: Yard) -> None:
    yard.turn()
    yard.say("tele/gerbang/SENSOR", sensor(0, "ON"))
    yard.take()
    yard.kill()
    yard.clock.advance(20 * MINUTE)
    yard.start()
    yard.after(1)
    assert yard.centre.values("gerbang-1", "gate_open") == [(NOW, True)]


def test_killed_after_the_commit_it_comes_from_the_disk_under_the_same_number(yard: Yard) -> None:
    yard.centre.acknowledging = False
    yard.say("tele/gerbang/SENSOR", sensor(0, "ON"))
    yard.after(1)
    sent = list(yard.centre.batches)
    yard.kill()
    yard.centre.acknowledging = True
    yard.start()
    yard.after(12)
    assert set(sent) <= set(yard.centre.batches[len(sent) :])
    assert yard.centre.values("gerbang-1", "gate_open") == [(NOW, True)]
    assert yard.buffer.readings == 0


def test_a_batch_without_an_acknowledgement_is_sent_again_and_again_later_and_later(yard: Yard) -> None:
    yard.centre.acknowledging = False
    yard.after(29)
    times = len(yard.centre.batches)
    assert times == 3, "at 0, 5 and 15 s and a little"
    assert set(yard.centre.batches) == {yard.centre.batches[0]}
    yard.centre.acknowledging = True
    yard.after(30)
    assert yard.buffer.readings == 0


def test_what_is_new_goes_on_while_nothing_is_acknowledged(yard: Yard) -> None:
    yard.centre.acknowledging = False  # the store is away; alerts do not wait for it
    for number in range(30):
        yard.say("tele/gerbang/SENSOR", sensor(-number, "ON"))
        yard.after(2)
        assert len(yard.centre.values("gerbang-1", "gate_open")) == number + 1, "within two seconds"
    yard.centre.acknowledging = True
    yard.after(120)
    assert yard.buffer.readings <= 1, "but for a heartbeat of now"
    seqs = sorted({batch.seq for _, batch in yard.centre.batches})
    assert seqs == list(range(1, len(seqs) + 1)), "numbers grow by one"
    assert len({batch.epoch for _, batch in yard.centre.batches}) == 1


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        (ack_topic(CODE, "gw"), encode_ack(BatchId("00000000-0000-0000-0000-000000000000", 1))),
        (ack_topic(CODE, "gw"), b"all of it"),
        (ack_topic(CODE, "gw"), b'{"epoch":7,"seq":"1"}'),
    ],
    ids=["another epoch", "no JSON", "wrong types"],
)
def test_a_foreign_acknowledgement_deletes_nothing(yard: Yard, topic: str, payload: bytes) -> None:
    yard.centre.acknowledging = False
    yard.after(1)
    yard.district.publish(topic, payload)
    yard.after(1)
    assert yard.buffer.readings == 1


def test_the_link_is_down_for_an_hour_and_nothing_is_lost(yard: Yard) -> None:
    yard.turn()
    yard.centre_side.cut()
    for minute in range(60):
        yard.say("tele/gerbang/SENSOR", sensor(minute * 60, "ON" if minute % 2 else "OFF"))
        yard.after(60, step=5)
    assert yard.centre.values("gerbang-1", "gate_open") == []
    yard.centre_side.restore()
    yard.after(10)
    assert yard.centre.values("gerbang-1", "gate_open") == [
        (NOW + minute * MINUTE, bool(minute % 2)) for minute in range(60)
    ]
    assert len(yard.centre.values("gw", "alive")) == 121, "its heartbeat is buffered like any reading"


# Clocks


@pytest.mark.parametrize(
    ("off_by", "counts"),
    [(-240, -240_000), (-3600, 0), (3600, 0), (-86_400 * 365 * 20, 0)],
    ids=["four minutes behind", "an hour behind", "an hour ahead", "before 2020"],
)
def test_a_live_message_with_a_wrong_time_has_the_time_of_receipt(yard: Yard, off_by: int, counts: int) -> None:
    yard.turn()
    yard.say("tele/gerbang/SENSOR", sensor(off_by, "ON"))
    yard.after(1)
    assert yard.centre.values("gerbang-1", "gate_open") == [(NOW + counts, True)]
    assert ((CODE, "gerbang-1") in yard.gateway.skewed) == (counts == 0)


def test_the_centre_is_told_whose_clock_is_wrong_and_when_it_is_right_again(yard: Yard) -> None:
    yard.turn()
    assert yard.centre.health[CODE]["trusted"] == [], "nothing was heard of any clock"
    yard.say("tele/gerbang/SENSOR", sensor(-3600, "ON"))
    yard.after(20)
    assert yard.centre.health[CODE]["clocks"] == {"gerbang-1": {"offset": -3600.0, "since": NOW / 1000}}
    assert yard.centre.health[CODE]["trusted"] == []
    for late, offset in ((-3607, -3600.0), (-3720, -3720.0)):  # a slow message; a clock that was set back
        yard.say("tele/gerbang/SENSOR", sensor(late, "ON", yard.clock.now()))
        yard.after(20)
        assert yard.centre.health[CODE]["clocks"] == {"gerbang-1": {"offset": offset, "since": NOW / 1000}}
    yard.say("tele/gerbang/SENSOR", sensor(0, "ON", yard.clock.now()))
    yard.after(20)
    assert (yard.centre.health[CODE]["clocks"], yard.centre.health[CODE]["trusted"]) == ({}, ["gerbang-1"])


def test_what_the_broker_kept_meanwhile_is_late_and_not_skewed(yard: Yard) -> None:
    yard.turn()
    yard.kill()
    for minute in range(5):
        yard.say("tele/gerbang/SENSOR", sensor(minute * 60, "ON"))
    yard.clock.advance(3 * 60 * MINUTE)
    yard.start()
    yard.after(1)
    assert [time for time, _ in yard.centre.values("gerbang-1", "gate_open")] == [NOW + n * MINUTE for n in range(5)]
    assert not yard.gateway.skewed


@pytest.mark.parametrize("taken", [False, True], ids=["still queued for it", "taken and not committed"])
def test_what_a_gateway_that_was_killed_had_not_made_safe_is_late_and_not_skewed(yard: Yard, *, taken: bool) -> None:
    yard.turn()
    yard.say("tele/gerbang/SENSOR", sensor(0, "ON"))
    if taken:
        yard.take()
    yard.kill()
    yard.clock.advance(6 * MINUTE)
    yard.start()
    yard.after(1)
    assert yard.centre.values("gerbang-1", "gate_open") == [(NOW, True)]
    assert not yard.gateway.skewed


def test_what_a_zigbee_bridge_remembers_is_as_old_as_it_says_and_no_sign_of_life(tmp_path: Path) -> None:
    door, lamp = device("pintu-1", "zigbee2mqtt", "pintu"), device("lampu-1", "zigbee2mqtt", "lampu")
    yard = Yard(tmp_path, [village(("gate", [door]), ("office_lighting", [lamp]))])
    yard.turn()
    hours_ago = NOW - 180 * MINUTE
    yard.say("zigbee2mqtt/bridge/state", '{"state":"online"}')
    yard.say("zigbee2mqtt/bridge/info", '{"version":"2.6.0"}')
    yard.say("zigbee2mqtt/pintu", f'{{"contact":false,"last_seen":{hours_ago}}}')
    yard.say("zigbee2mqtt/lampu", '{"state":"ON"}')
    yard.after(1)
    assert yard.centre.values("pintu-1", "gate_open") == [(hours_ago, True)]
    assert yard.centre.values("lampu-1", "lamp_on") == []
    assert not yard.gateway.skewed
    assert [each.seen for each in yard.gateway.report().devices] == [None, None]
    yard.say("zigbee2mqtt/lampu", '{"state":"OFF"}')
    yard.after(1)
    assert [value for _, value in yard.centre.values("lampu-1", "lamp_on")] == [False]
    yard.buffer._db.close()


def test_a_retained_value_has_its_own_time_and_without_one_is_no_observation(yard: Yard) -> None:
    yard.kill()
    yard.devices.forget_sessions()
    yard.say("tele/gerbang/SENSOR", sensor(-86_400, "OFF"), retain=True)
    yard.say(SENML, '[{"n":"presence","vb":true}]', retain=True)
    yard.start()
    yard.after(1)
    assert yard.centre.values("gerbang-1", "gate_open") == [(NOW - 86_400_000, False)]
    assert yard.centre.values("pos-1", "presence") == []
    assert not yard.gateway.skewed


def test_what_was_said_before_the_clock_was_set_gets_its_time_afterwards(yard: Yard) -> None:
    yard.turn()
    yard.kill()
    yard.clock.jump(-NOW + 1_000_000)  # it begins in 1970
    yard.start()
    began = yard.clock.monotonic()
    for switch in ("ON", "OFF", "ON"):
        yard.say("tele/gerbang/SENSOR", f'{{"Switch1":"{switch}"}}')
        yard.after(40)
    assert yard.devices.kept("gateway") == 0, "it is on disk"
    assert yard.centre.values("gerbang-1", "gate_open") == []
    assert "2020" in yard.gateway.problems()[0]
    yard.kill()
    yard.start()  # another process, the same boot
    yard.after(1)
    now = NOW + 3 * 86_400_000
    yard.clock.jump(now - yard.clock.now())
    yard.after(1)
    since = now - 121_000  # 121 s passed between the first message and the setting of the clock
    assert yard.centre.values("gerbang-1", "gate_open") == [
        (since, True),
        (since + 40_000, False),
        (since + 80_000, True),
    ]
    alive = [time for time, _ in yard.centre.values("gw", "alive")]
    assert since in alive, "its own heartbeat too"
    assert yard.gateway.problems() == []
    assert yard.clock.monotonic() - began < 130_000


def test_a_machine_without_a_clock_chip_waits_for_the_network_s_time(yard: Yard) -> None:
    yard.kill()
    yard.awaits_time = True
    yard.clock.jump(-5 * 3_600_000)  # the time at which the power failed
    yard.start()
    yard.say("tele/gerbang/SENSOR", '{"Switch1":"ON"}')
    yard.after(5)
    yard.clock.jump(5 * 3_600_000)
    yard.awaits_time = False
    yard.after(1)
    assert yard.centre.values("gerbang-1", "gate_open") == [(NOW, True)]


def test_what_was_undated_when_the_power_failed_counts_only_with_a_time_of_its_own(yard: Yard) -> None:
    yard.kill()
    yard.awaits_time = True
    yard.start()
    yard.say("tele/gerbang/SENSOR", '{"Switch1":"OFF"}')
    yard.say("tele/gerbang/SENSOR", sensor(-600, "ON"))
    yard.after(1)
    yard.kill()
    yard.boot, yard.awaits_time = "second boot", False
    yard.start()
    yard.after(1)
    assert yard.centre.values("gerbang-1", "gate_open") == [(NOW - 600_000, True)]


# Sessions of devices


def test_online_is_repeated_at_least_every_interval(yard: Yard) -> None:
    yard.say("tele/gerbang/LWT", "Online", retain=True)
    yard.turn()
    yard.say("tele/gerbang/LWT", "Online")
    yard.after(600, step=1)
    times = [time for time, value in yard.centre.values("gerbang-1", "online") if value]
    gaps = [after - before for before, after in pairwise(times)]
    assert times[0] == NOW
    assert max(gaps) <= MINUTE
    assert min(gaps[1:]) > MINUTE // 2
    assert yard.centre.values("pos-1", "online") == [], "of whom nothing is known nothing is said"


def test_a_last_will_is_repeated_until_the_device_is_heard_which_takes_it_back(yard: Yard) -> None:
    yard.turn()
    yard.say("tele/gerbang/LWT", "Offline")
    yard.after(180, step=1)
    said = yard.centre.values("gerbang-1", "online")
    assert len(said) >= 3
    assert not any(value for _, value in said)
    yard.say("tele/gerbang/SENSOR", '{"Switch1":"ON"}')
    yard.turn()
    back = yard.clock.now()
    yard.after(300, step=1)
    later = [(time, value) for time, value in yard.centre.values("gerbang-1", "online") if time >= back]
    assert later[0] == (back, True), "at once, at the time of the reading"
    assert all(value for _, value in later)
    assert max(after - before for (before, _), (after, _) in pairwise(later)) <= MINUTE, "and repeated"


def test_a_stale_will_that_the_broker_retained_is_no_news_after_a_reconnect(yard: Yard) -> None:
    yard.turn()
    yard.say("tele/gerbang/LWT", "Online", retain=True)
    yard.say("tele/gerbang/LWT", "Offline", retain=True)
    yard.say("tele/gerbang/SENSOR", '{"Switch1":"ON"}')
    yard.after(1)
    yard.kill()
    yard.start()
    yard.after(120, step=1)
    times = [time for time, value in yard.centre.values("gerbang-1", "online") if not value]
    assert times == [], "of the will and what took it back in one millisecond the later stays"
    assert yard.centre.values("gerbang-1", "online")[-1][1] is True


def test_a_retained_birth_of_a_name_that_is_gone_is_not_believed_until_it_speaks(yard: Yard) -> None:
    yard.kill()
    yard.devices.forget_sessions()
    yard.say("tele/gerbang/LWT", "Online", retain=True)
    yard.start()
    yard.after(120, step=1)
    assert yard.centre.values("gerbang-1", "online") == []
    yard.say("tele/gerbang/STATE", '{"Uptime":"0T00:01:00"}')
    yard.after(1)
    assert [value for _, value in yard.centre.values("gerbang-1", "online")] == [True]


def test_two_clients_that_fight_for_one_name_are_no_storm(yard: Yard) -> None:
    yard.turn()
    for _ in range(60):
        yard.say("tele/gerbang/LWT", "Online", retain=True)
        yard.after(1)
    assert len(yard.centre.values("gerbang-1", "online")) <= 3


def test_a_session_is_remembered_over_a_restart(yard: Yard) -> None:
    yard.turn()
    yard.say(f"siaga/v1/{CODE}/pos-1/status", "online", retain=True)
    yard.after(1)
    yard.kill()
    yard.clock.advance(10 * MINUTE)
    yard.start()
    yard.after(10)
    assert [value for _, value in yard.centre.values("pos-1", "online")] == [True, True]


def test_a_broker_that_lost_its_sessions_leaves_nobody_online_by_hearsay(yard: Yard) -> None:
    yard.turn()
    yard.say("tele/gerbang/LWT", "Online")
    yard.after(1)
    yard.devices.stop()
    yard.devices.forget()
    yard.after(10)
    yard.devices.start()
    said = yard.centre.values("gerbang-1", "online")
    yard.after(300, step=1)
    assert yard.centre.values("gerbang-1", "online") == said


# What is refused


@pytest.mark.parametrize(
    ("topic", "payload", "label"),
    [
        ("tele/gerbang/SENSOR", b'{"Switch1":', "not_json"),
        ("tele/gerbang/SENSOR", b'{"Switch1":"MAYBE"}', "wrong_value"),
        (SENML, b"[" * 70_000, "too_large"),
        (f"siaga/v1/{CODE}/hantu/senml", b"[]", "unknown_device"),
        (f"siaga/v1/{CODE}/gerbang-1/senml", b"[]", "unknown_device"),
        (f"siaga/v1/{CODE}/pos-1/firmware", b"[]", "foreign_topic"),
    ],
    ids=["cut off", "a word", "too large", "an unknown device", "a device that speaks otherwise", "an unknown channel"],
)
def test_what_is_refused_is_shown_at_the_centre(yard: Yard, topic: str, payload: bytes, label: str) -> None:
    from prometheus_client import REGISTRY

    def count() -> float:
        return REGISTRY.get_sample_value("siaga_refused_total", {"reason": label}) or 0

    yard.turn()
    before = count()
    yard.say(topic, payload)
    yard.after(1)
    assert count() == before + 1
    (sample,) = yard.centre.refused
    assert sample["topic"] == topic
    assert sample["time"] == NOW / 1000
    assert sample["reason"]
    assert str(sample["bytes"]) == payload[:256].decode()
    assert yard.devices.kept("gateway") == 0, "taken from the broker all the same"


def test_samples_have_a_bound_and_counting_goes_on(yard: Yard) -> None:
    yard.turn()
    for _ in range(300):
        yard.say("tele/gerbang/SENSOR", b"\xff")
    yard.after(5)
    assert 100 <= len(yard.centre.refused) <= 120
    yard.after(60)
    yard.say("tele/gerbang/SENSOR", b"\xfe")
    yard.after(1)
    assert yard.centre.refused[-1]["bytes"] == r"\xfe"


def test_hardware_addresses_stay_in_the_village(yard: Yard) -> None:
    yard.turn()
    yard.say("tele/gerbang/SENSOR", b'{"BSSId":"02:38:FB:DD:E9:84"')
    yard.after(1)
    assert "xx:xx:xx:xx:xx:xx" in str(yard.centre.refused)
    assert "FB:DD" not in str(yard.centre.refused)


def test_foreign_topics_are_none_of_its_business(yard: Yard) -> None:
    yard.turn()
    yard.say("homeassistant/sensor/x/config", b"\xb0")
    yard.say("tele/entah/SENSOR", b"\xb0")
    yard.after(1)
    assert yard.centre.refused == []


# One process for many villages


OTHER = village(("gate", [device("gerbang-1", "senml")]), code="35.10.15.2013")
REMOTE = village(("gate", [device("gerbang-1", "senml")]), code="35.10.15.2014", remote=True)


def test_each_village_has_a_gateway_an_epoch_and_numbers_of_its_own(tmp_path: Path) -> None:
    yard = Yard(tmp_path, [PLACE, OTHER], known={CODE, OTHER.code, REMOTE.code})
    yard.turn()
    for code in (OTHER.code, REMOTE.code, "11.01.01.2001"):
        yard.say(f"siaga/v1/{code}/gerbang-1/senml", '[{"n":"gate_open","vb":true}]')
    yard.after(1)
    assert yard.centre.values("gerbang-1", "gate_open", OTHER.code) == [(NOW, True)]
    assert yard.centre.values("gerbang-1", "gate_open", REMOTE.code) == [], "a remote village has its own gateway"
    assert [sample["reason"] for sample in yard.centre.refused] == ["11.01.01.2001 is no village of the sites file"]
    epochs = {village: batch.epoch for village, batch in yard.centre.batches}
    assert len(set(epochs.values())) == 2
    yard.end()
    assert sorted(topic for topic, payload in yard_statuses(yard) if payload == b'{"state":"offline"}') == sorted(
        [STATUS, STATUS.replace(CODE, OTHER.code)]
    )


def yard_statuses(yard: Yard) -> list[tuple[str, bytes]]:
    yard.centre.listen()
    return yard.centre.statuses


def test_its_own_birth_is_retained_and_said_again_after_a_cut(yard: Yard) -> None:
    yard.turn()
    assert yard.district.retained(STATUS) == b'{"state":"online"}'
    yard.district.publish(STATUS, last_will(PLACE).payload, retain=True)
    yard.centre_side.cut()
    yard.centre_side.restore()
    yard.turn()
    assert yard.district.retained(STATUS) == b'{"state":"online"}'
    assert orjson.loads(last_will(PLACE).payload) == {"state": "offline"}
    assert last_will(PLACE).topic == STATUS


def test_a_change_of_the_registry_is_taken_over_while_it_runs(yard: Yard) -> None:
    yard.turn()
    lamp = device("lampu-1", "zigbee2mqtt", "lampu")
    changed: Village = village(("office_lighting", [lamp]))
    yard.gateway.update([changed])
    yard.say("zigbee2mqtt/lampu", '{"state":"ON"}')
    yard.say("tele/gerbang/SENSOR", '{"Switch1":"ON"}')
    yard.after(1)
    assert yard.centre.values("lampu-1", "lamp_on") == [(NOW, True)]
    assert yard.centre.values("gerbang-1", "gate_open") == []
    yard.gateway.update([])
    yard.turn()
    assert yard.district.retained(STATUS) == b'{"state":"offline"}'


# The disk


def test_with_a_full_disk_and_no_link_nothing_is_acknowledged_and_it_goes_on_with_room(yard: Yard) -> None:
    yard.after(1)
    yard.buffer.fill_up()
    yard.centre_side.cut()
    for number in range(450):
        time = (NOW - number) / 1000
        yard.say(SENML, f'[{{"bt":{time},"n":"presence","vb":true}},{{"n":"uptime","v":{number}}}]')
    yard.after(3)
    assert yard.devices.kept("gateway") == 450
    assert "buffer" in yard.gateway.problems()[-1]
    yard.buffer.make_room()
    yard.after(3)
    yard.centre_side.restore()
    yard.after(3)
    assert yard.devices.kept("gateway") == 0
    assert len(yard.centre.values("pos-1", "uptime")) == 450
    assert yard.gateway.problems() == []


def test_a_message_is_refused_once_however_many_of_its_values_are(yard: Yard) -> None:
    yard.turn()
    records = ",".join(f'{{"n":"battery","v":"{number}"}}' for number in range(10))
    yard.say(SENML, f'[{records},{{"n":"presence","vb":true}}]')
    yard.after(1)
    (sample,) = yard.centre.refused
    assert "7 more" in str(sample["reason"])
    assert yard.centre.values("pos-1", "presence") == [(NOW, True)]


def test_what_waits_at_the_broker_while_there_is_neither_disk_nor_link_is_late_and_not_skewed(yard: Yard) -> None:
    yard.after(1)
    yard.buffer.fill_up()
    yard.centre_side.cut()
    said = []
    for _ in range(700):
        said.append(yard.clock.now())
        yard.say(SENML, f'[{{"bt":{said[-1] / 1000},"n":"presence","vb":true}}]')
        yard.after(2, step=2)
    assert yard.gateway.full
    yard.buffer.make_room()
    yard.centre_side.restore()
    yard.after(60)
    assert [time for time, _ in yard.centre.values("pos-1", "presence")] == said
    assert not yard.gateway.skewed
    yard.say(SENML, f'[{{"bt":{(yard.clock.now() - 20 * MINUTE) / 1000},"n":"presence","vb":false}}]')
    yard.after(1)
    assert yard.gateway.skewed, "what comes afterwards is judged as ever"


def test_with_a_full_disk_it_runs_from_memory_and_acknowledges_what_the_centre_has(yard: Yard) -> None:
    yard.after(1)
    yard.buffer.fill_up()
    yard.centre.acknowledging = False
    yard.say(SENML, f'[{{"bt":{NOW / 1000},"n":"presence","vb":true}}]')
    yard.say(SENML, "[]")
    yard.after(2)
    assert yard.centre.values("pos-1", "presence") == [(NOW, True)], "alerts do not wait for a disk"
    assert yard.devices.kept("gateway") == 1, "not durable yet, so not acknowledged"
    yard.centre.acknowledging = True
    yard.after(10)
    assert yard.devices.kept("gateway") == 0
    yard.after(20)
    assert yard.centre.health[CODE]["disk"] == "memory", "and it says so"
    assert yard.metrics.disk_problems._value.get() > 0
    yard.buffer.make_room()
    yard.after(20)
    assert yard.centre.health[CODE]["disk"] == "ok"


def test_killed_while_it_ran_from_memory_the_broker_still_has_it(yard: Yard) -> None:
    yard.after(1)
    yard.buffer.fill_up()
    yard.centre_side.cut()
    yard.say(SENML, f'[{{"bt":{NOW / 1000},"n":"presence","vb":true}}]')
    yard.after(5)
    yard.kill()
    yard.start()
    yard.after(2)
    assert yard.centre.values("pos-1", "presence") == [(NOW, True)]


def test_a_damaged_file_is_moved_aside_and_what_is_readable_is_sent(yard: Yard, tmp_path: Path) -> None:
    yard.after(1)
    yard.centre_side.cut()
    for number in range(0, 6000, 20):
        records = ",".join(f'{{"t":{(NOW + number + n) / 1000},"n":"uptime","v":{number + n}}}' for n in range(20))
        yard.say(SENML, f"[{records}]")
        yard.take()
    yard.after(1)
    yard.buffer._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    yard.kill()
    path = tmp_path / "buffer.sqlite"
    content = bytearray(path.read_bytes())
    leaves = [at for at in range(0, len(content), 4096) if content[at] == 10]  # leaf pages of tables WITHOUT ROWID
    middle = leaves[len(leaves) // 2]
    content[middle : middle + 4096] = os.urandom(4096)
    path.write_bytes(content)
    yard.start()
    yard.say(SENML, f'[{{"bt":{NOW / 1000},"n":"presence","vb":true}}]')
    yard.after(20)
    assert yard.centre.values("pos-1", "presence") == [(NOW, True)]
    salvaged = len(yard.centre.values("pos-1", "uptime"))
    assert 5_000 < salvaged < 6_000, "all but a page"
    assert (tmp_path / "buffer.sqlite.damaged").exists()
    assert yard.gateway.problems() == []


def test_a_file_that_is_no_database_does_not_stop_it(yard: Yard, tmp_path: Path) -> None:
    yard.kill()
    for suffix in ("-wal", "-shm"):
        (tmp_path / f"buffer.sqlite{suffix}").unlink(missing_ok=True)
    (tmp_path / "buffer.sqlite").write_bytes(b"photographs" * 1000)
    yard.start()
    yard.say("tele/gerbang/SENSOR", sensor(0, "ON"))
    yard.after(2)
    assert yard.centre.values("gerbang-1", "gate_open") == [(NOW, True)]
    assert yard.buffer.readings == 0
    assert yard.gateway.problems() == []


# After an outage


def test_what_is_acknowledged_and_not_forgotten_yet_is_not_sent_again(yard: Yard) -> None:
    """It is forgotten with the next commit, and nobody makes one for it alone within seconds."""
    yard.after(2)
    yard.say(SENML, f'[{{"bt":{NOW / 1000},"n":"presence","vb":true}}]')
    yard.after(26)
    yard.centre_side.cut()
    yard.centre_side.restore()
    yard.after(1)
    assert [batch.seq for _, batch in yard.centre.batches] == [1, 2]


def test_where_acknowledgements_take_long_nothing_is_sent_again_as_soon(yard: Yard) -> None:
    """A slow link loses nothing; sending twice only makes it slower."""

    def sent(what: BatchId) -> int:
        return [batch for _, batch in yard.centre.batches].count(what)

    yard.after(2)
    yard.centre.acknowledging = False
    yard.say(SENML, f'[{{"bt":{NOW / 1000},"n":"presence","vb":true}}]')
    yard.after(4)
    (_, first) = yard.centre.batches[-1]
    yard.centre.transport.publish(ack_topic(CODE, "gw"), encode_ack(first))
    yard.after(0.5)
    yard.say(SENML, f'[{{"bt":{NOW / 1000},"n":"presence","vb":false}}]')
    yard.after(11)
    (_, second) = yard.centre.batches[-1]
    assert second != first
    assert sent(second) == 1, "not yet"
    yard.after(5)
    assert sent(second) == 2, "after 12 to 15 s"


def test_after_an_outage_the_newest_goes_first_and_history_follows_from_the_newest_back(yard: Yard) -> None:
    yard.turn()
    yard.centre_side.cut()
    for number in range(9_000):
        if number % 100 == 0:
            yard.clock.advance(30_000)
        time = yard.clock.now() + number % 100
        yard.say(SENML, f'[{{"bt":{time / 1000},"n":"uptime","v":{number}}}]')
        yard.take()
        yard.gateway.tick()
    newest_alive = yard.clock.now()
    yard.clock.advance(1000)
    yard.centre.acknowledging = False
    yard.centre_side.restore()
    yard.turn()
    arrived = [value for _, value in yard.centre.values("pos-1", "uptime")]
    assert arrived == list(range(9_000 - len(arrived), 9_000)), "the newest, without a gap"
    assert 5_900 < len(arrived) <= 6_000, "the fresh batch and a small window of history"
    alive = [time for time, _ in yard.centre.values("gw", "alive")]
    assert newest_alive - alive[-1] <= 30_000, "with the heartbeats of the same time"
    assert alive[0] >= NOW + 29 * 30_000, "and none of those whose readings are not there"
    yard.centre.acknowledging = True
    yard.after(20)
    assert len(yard.centre.values("pos-1", "uptime")) == 9_000
    assert yard.buffer.readings == 0


def test_what_is_new_does_not_wait_for_history(yard: Yard) -> None:
    yard.turn()
    yard.centre_side.cut()
    for number in range(20_000):
        yard.say(SENML, f'[{{"bt":{(NOW + number) / 1000},"n":"uptime","v":{number}}}]')
        yard.take()
        if number % 400 == 0:
            yard.gateway.tick()
    yard.centre.acknowledging = False  # a link so slow that the backfill's window stays full
    yard.centre_side.restore()
    yard.after(1)
    assert yard.centre.values("pos-1", "uptime")[0][0] > NOW
    yard.say("tele/gerbang/SENSOR", sensor(0, "ON"))
    yard.after(1)
    assert yard.centre.values("gerbang-1", "gate_open") == [(NOW, True)]


def test_of_two_values_at_one_time_the_last_one_stays_whatever_order_the_batches_have(yard: Yard) -> None:
    yard.turn()
    yard.centre_side.cut()
    for number in range(1, 6_001):
        yard.say(SENML, f'[{{"bt":{(NOW + number // 2) / 1000},"n":"uptime","v":{number}}}]')
        yard.take()
        if number % 400 == 0:
            yard.gateway.tick()
    yard.gateway.tick()
    yard.centre_side.restore()
    yard.after(10)
    assert all(value == min(6_000, 2 * (time - NOW) + 1) for time, value in yard.centre.values("pos-1", "uptime"))
