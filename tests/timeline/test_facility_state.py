"""From what devices say to state and cause: one line a case, one sentence why."""

import pytest

from siaga.model.sites import Needs, Silence
from siaga.timeline.facility_state import Asked, facility_state
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

ONE_DEVICE = [
    ("all_of", wifi(T, T, T), MET, None, "all it reports is true"),
    ("all_of", wifi(T, F, T), FAILED, "wifi_open", "one is false"),
    ("all_of", wifi(F, T, F), FAILED, "wifi_up", "the first that is false is named"),
    ("all_of", wifi(U, U, F), FAILED, "internet", "false decides whatever is not known"),
    ("all_of", wifi(T, U, U), UNKNOWN, "wifi_open", "the first that is not known is named"),
    ("all_of", wifi(U, U, U), UNKNOWN, "device_silent", "all of its evidence is unknown"),
    ("all_of", NOTHING_REPORTED, UNKNOWN, "device_silent", "it has not reported anything yet"),
    ("all_of", [("online", F)], FAILED, "online", "the stand-in is named where it stands in"),
    ("any_of", guard(F, T), MET, None, "one is enough"),
    ("any_of", guard(U, T), MET, None, "true decides whatever is not known"),
    ("any_of", guard(F, F), FAILED, "checkin", "none is true"),
    ("any_of", guard(F, U), UNKNOWN, "presence", "the guard may be there"),
    ("any_of", guard(U, U), UNKNOWN, "device_silent", "all of its evidence is unknown"),
    ("first_of", lamp(T, F, F), MET, None, "the lamp's own word comes first"),
    ("first_of", lamp(F, T, T), FAILED, "lamp_on", "also when it says no"),
    ("first_of", lamp(U, F, T), FAILED, "power", "the next is asked where the first is not known, and decides"),
    ("first_of", lamp(U, U, T), MET, None, "and so on"),
    ("first_of", lamp(U, U, F), FAILED, "illuminance", "the one that decides is named"),
    ("first_of", lamp(U, U, U), UNKNOWN, "device_silent", "none is known"),
]


@pytest.mark.parametrize(("rule", "device", "state", "cause", "why"), ONE_DEVICE, ids=lambda value: str(value)[:60])
def test_one_device(rule: str, device: Asked, state: State, cause: str | None, why: str) -> None:
    assert facility_state(rule, ANY, STAYS, [device]) == (state, cause)
    assert facility_state(rule, ALL, STAYS, [device]) == (state, cause)


SEVERAL_DEVICES = [
    (ANY, STAYS, [up(T), up(F)], MET, None, "one that is met is enough"),
    (ANY, STAYS, [up(T), up(U)], MET, None, "a silent one beside it does not matter"),
    (ANY, STAYS, [up(F), up(U)], UNKNOWN, "device_silent", "the silent one may be met"),
    (ANY, STAYS, [up(F), wifi(T, U, T)], UNKNOWN, "wifi_open", "no silent device explains it"),
    (ANY, STAYS, [wifi(T, U, T), up(U)], UNKNOWN, "device_silent", "a silent device is part of what is not known"),
    (ANY, STAYS, [wifi(T, F, T), up(F)], FAILED, "wifi_open", "all failed; the first device is named"),
    (ALL, STAYS, [up(T), up(T)], MET, None, "all are met"),
    (ALL, STAYS, [up(T), up(F)], FAILED, "wifi_up", "one failed"),
    (ALL, STAYS, [wifi(T, U, T), wifi(T, T, F)], FAILED, "internet", "only a device that failed is named"),
    (ALL, STAYS, [up(U), up(F)], FAILED, "wifi_up", "it failed whatever the silent one says"),
    (ALL, STAYS, [up(T), up(U)], UNKNOWN, "device_silent", "the silent one may have failed"),
    (ANY, FAILS, [up(U)], FAILED, "device_silent", "silence means failed"),
    (ANY, FAILS, [NOTHING_REPORTED], FAILED, "device_silent", "also before its first report"),
    (ANY, FAILS, [up(T), up(U)], MET, None, "one that is met is enough"),
    (ANY, FAILS, [up(F), up(U)], FAILED, "device_silent", "without the silence it would be unknown"),
    (ANY, FAILS, [up(U), wifi(T, U, T)], UNKNOWN, "wifi_open", "the silent one failed; the other is not known"),
    (ALL, FAILS, [up(T), up(U)], FAILED, "device_silent", "without the silence it would be unknown"),
    (ALL, FAILS, [up(U), wifi(T, F, T)], FAILED, "wifi_open", "it would have failed without the silence too"),
    (ALL, FAILS, [wifi(T, U, T), up(U)], FAILED, "device_silent", "what is not known does not excuse the silent one"),
    (ANY, STAYS, [], UNKNOWN, "no_evidence", "no device takes part"),
    (ALL, FAILS, [], UNKNOWN, "no_evidence", "nothing is no failure and no success"),
]


@pytest.mark.parametrize(
    ("needs", "silence", "devices", "state", "cause", "why"), SEVERAL_DEVICES, ids=lambda value: str(value)[:60]
)
def test_several_devices(
    needs: Needs, silence: Silence, devices: list[Asked], state: State, cause: str | None, why: str
) -> None:
    assert facility_state("all_of", needs, silence, devices) == (state, cause)
