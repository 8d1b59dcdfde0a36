"""From signals of devices to state and cause: one line for each case, with one sentence why."""

import pytest

from siaga.model.sites import Needs, Silence
from siaga.timeline.facility_state import Asked, DeviceSays, facility_state
from siaga.timeline.spans import State

T, F, U = True, False, None
ANY, ALL = Needs.ANY, Needs.ALL
FAILS, STAYS = Silence.FAILED, Silence.UNKNOWN
MET, FAILED, UNKNOWN = State.MET, State.FAILED, State.UNKNOWN


def up(value: bool | None) -> Asked:
    return [("wifi_up", value)]


def wifi(wifi_up: bool | None, wifi_open: bool | None, internet: bool | None) -> Asked:
    return [("wifi_up", wifi_up), ("wifi_open", wifi_open), ("internet", internet)]


def lamp(lamp_on: bool | None, power: bool | None, illuminance: bool | None) -> Asked:
    return [("lamp_on", lamp_on), ("power", power), ("illuminance", illuminance)]


def guard(checkin: bool | None, presence: bool | None) -> Asked:
    return [("checkin", checkin), ("presence", presence)]


NOTHING_REPORTED: Asked = []


def quiet(asked: Asked) -> DeviceSays:
    return DeviceSays(asked, silent=True)


def speaks(asked: Asked) -> DeviceSays:
    return DeviceSays(asked, silent=False)


ONE_DEVICE = [
    ("all_of", speaks(wifi(T, T, T)), MET, None, "all it reports is true"),
    ("all_of", speaks(wifi(T, F, T)), FAILED, "wifi_open", "one is false"),
    ("all_of", speaks(wifi(F, T, F)), FAILED, "wifi_up", "the first that is false is named"),
    ("all_of", speaks(wifi(U, U, F)), FAILED, "internet", "false decides whatever is not known"),
    ("all_of", speaks(wifi(T, U, U)), UNKNOWN, "wifi_open", "the first that is not known is named"),
    ("all_of", quiet(wifi(U, U, U)), UNKNOWN, "device_silent", "it is silent, and all of its evidence is unknown"),
    ("all_of", speaks(wifi(U, U, U)), UNKNOWN, "no_evidence", "it speaks, and says nothing of use"),
    ("all_of", quiet(NOTHING_REPORTED), UNKNOWN, "device_silent", "it has not reported anything yet"),
    ("all_of", speaks(NOTHING_REPORTED), UNKNOWN, "no_evidence", "it has reported other things alone"),
    ("all_of", quiet([("online", T)]), MET, None, "what is known counts, silent or not"),
    ("all_of", quiet([("online", F)]), FAILED, "online", "the stand-in is named where it stands in"),
    ("all_of", quiet([("cleaned", T), ("nh3", U)]), UNKNOWN, "nh3", "an event outlasts silence; the other is named"),
    ("any_of", speaks(guard(F, T)), MET, None, "one is enough"),
    ("any_of", speaks(guard(U, T)), MET, None, "true decides whatever is not known"),
    ("any_of", quiet(guard(T, U)), MET, None, "an event outlasts silence"),
    ("any_of", speaks(guard(F, F)), FAILED, "checkin", "none is true"),
    ("any_of", speaks(guard(F, U)), UNKNOWN, "presence", "the guard may be there"),
    ("any_of", quiet(guard(U, U)), UNKNOWN, "device_silent", "all of its evidence is unknown"),
    ("first_of", speaks(lamp(T, F, F)), MET, None, "the lamp's own word comes first"),
    ("first_of", speaks(lamp(F, T, T)), FAILED, "lamp_on", "also when it says no"),
    ("first_of", speaks(lamp(U, F, T)), FAILED, "power", "the next is asked where the first is not known, and decides"),
    ("first_of", speaks(lamp(U, U, T)), MET, None, "and so on"),
    ("first_of", speaks(lamp(U, U, F)), FAILED, "illuminance", "the one that decides is named"),
    ("first_of", quiet(lamp(U, U, U)), UNKNOWN, "device_silent", "none is known"),
    ("first_of", speaks(lamp(U, U, U)), UNKNOWN, "no_evidence", "none is known, though it speaks"),
]


@pytest.mark.parametrize(("rule", "device", "state", "cause", "why"), ONE_DEVICE, ids=[why for *_, why in ONE_DEVICE])
def test_one_device(rule: str, device: DeviceSays, state: State, cause: str | None, why: str) -> None:
    assert facility_state(rule, ANY, STAYS, [device]) == (state, cause)
    assert facility_state(rule, ALL, STAYS, [device]) == (state, cause)


SEVERAL_DEVICES = [
    (ANY, STAYS, [speaks(up(T)), speaks(up(F))], MET, None, "one that is met is enough"),
    (ANY, STAYS, [speaks(up(T)), quiet(up(U))], MET, None, "a silent one beside it does not matter"),
    (ANY, STAYS, [speaks(up(F)), quiet(up(U))], UNKNOWN, "device_silent", "the silent one may be met"),
    (ANY, STAYS, [speaks(up(F)), speaks(up(U))], UNKNOWN, "no_evidence", "the one that gives none may be met"),
    (ANY, STAYS, [speaks(up(F)), speaks(wifi(T, U, T))], UNKNOWN, "wifi_open", "no silent device explains it"),
    (ANY, STAYS, [speaks(wifi(T, U, T)), quiet(up(U))], UNKNOWN, "device_silent", "the silent one is a part of it"),
    (ANY, STAYS, [speaks(up(U)), quiet(up(U))], UNKNOWN, "device_silent", "silence is named before want of evidence"),
    (ANY, STAYS, [speaks(wifi(T, U, T)), speaks(up(U))], UNKNOWN, "no_evidence", "want of evidence before a signal"),
    (ANY, STAYS, [speaks(wifi(T, F, T)), speaks(up(F))], FAILED, "wifi_open", "all failed; the first device is named"),
    (ALL, STAYS, [speaks(up(T)), speaks(up(T))], MET, None, "all are met"),
    (ALL, STAYS, [speaks(up(T)), speaks(up(F))], FAILED, "wifi_up", "one failed"),
    (ALL, STAYS, [speaks(wifi(T, U, T)), speaks(wifi(T, T, F))], FAILED, "internet", "only one that failed is named"),
    (ALL, STAYS, [quiet(up(U)), speaks(up(F))], FAILED, "wifi_up", "it failed whatever the silent one says"),
    (ALL, STAYS, [speaks(up(U)), speaks(up(F))], FAILED, "wifi_up", "it failed whatever the mute one would say"),
    (ALL, STAYS, [speaks(up(T)), quiet(up(U))], UNKNOWN, "device_silent", "the silent one may have failed"),
    (ALL, STAYS, [quiet(guard(T, U)), speaks(guard(U, F))], UNKNOWN, "checkin", "silent, but not what is unknown"),
    (ANY, FAILS, [quiet(up(U))], FAILED, "device_silent", "silence means failed"),
    (ANY, FAILS, [speaks(up(U))], UNKNOWN, "no_evidence", "it is not silent: nothing says that it failed"),
    (ANY, FAILS, [quiet(NOTHING_REPORTED)], FAILED, "device_silent", "also before its first report"),
    (ANY, FAILS, [speaks(up(T)), quiet(up(U))], MET, None, "one that is met is enough"),
    (ANY, FAILS, [speaks(up(F)), quiet(up(U))], FAILED, "device_silent", "without the silence it would be unknown"),
    (ANY, FAILS, [speaks(up(F)), speaks(up(U))], UNKNOWN, "no_evidence", "want of evidence is never a failure"),
    (ANY, FAILS, [quiet(up(U)), speaks(wifi(T, U, T))], UNKNOWN, "wifi_open", "silence failed; the other is not known"),
    (ANY, FAILS, [quiet(up(U)), speaks(up(U))], UNKNOWN, "no_evidence", "silence failed; the other gives none"),
    (ALL, FAILS, [speaks(up(T)), quiet(up(U))], FAILED, "device_silent", "without the silence it would be unknown"),
    (ALL, FAILS, [quiet(up(U)), speaks(wifi(T, F, T))], FAILED, "wifi_open", "it would have failed without it too"),
    (ALL, FAILS, [speaks(wifi(T, U, T)), quiet(up(U))], FAILED, "device_silent", "unknown does not excuse silence"),
    (ANY, STAYS, [], UNKNOWN, "no_evidence", "no device takes part"),
    (ALL, FAILS, [], UNKNOWN, "no_evidence", "nothing is no failure and no success"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("needs", "silence", "devices", "state", "cause", "why"),
    SEVERAL_DEVICES,
    ids=[f"{needs}: {why}" for needs, *_, why in SEVERAL_DEVICES],
)
def test_several_devices(
    needs: Needs, silence: Silence, devices: list[DeviceSays], state: State, cause: str | None, why: str
) -> None:
    rule = "any_of" if any(name == "presence" for device in devices for name, _ in device.asked) else "all_of"
    assert facility_state(rule, needs, silence, devices) == (state, cause)
