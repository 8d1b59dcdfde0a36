"""What is known of a device's session, and when it is said again."""

import pytest

from gateway.presence import Presence

EVERY = 60_000
T = 1_000_000


def told(presence: Presence, online: bool, time: int, *, retained: bool = False) -> bool:
    return presence.told(online, time, EVERY, retained=retained)


@pytest.mark.parametrize(
    ("before", "online", "retained", "reported", "after"),
    [
        (Presence(), True, False, True, True),
        (Presence(), False, False, True, False),
        (Presence(True, T - 1, T - 1), False, False, True, False),
        (Presence(False, T - 1, T - 1), True, False, True, True),
        (Presence(True, T - 1, T - 1), True, False, False, True),
        (Presence(True, 0, T - EVERY), True, False, True, True),
        (Presence(), True, True, False, None),
        (Presence(True, 0, T - EVERY), True, True, True, True),
        (Presence(False, T - 1, T - 1), True, True, False, False),
        (Presence(), False, True, True, False),
        (Presence(True, T - 1, T - 1), False, True, True, False),
        (Presence(False, T - 1, T - EVERY), False, True, False, False),
        (Presence(None, T - 1, T - 1, overruled=True), False, True, False, None),
        (Presence(None, T - 1, T - 1, overruled=True), False, False, True, False),
        (Presence(True, T - 1, T - EVERY, overruled=True), False, True, False, True),
        (Presence(True, T - 1, T - 1, overruled=True), False, False, True, False),
    ],
    ids=[
        "a birth",
        "a last will",
        "a last will of one that was there",
        "a birth of one that was gone",
        "the same birth again at once is no news",
        "the same birth after a while is",
        "a retained birth waits for the device",
        "a retained birth of one that is known to be there",
        "a retained birth of one that is known to be gone waits",
        "a retained will of one that nothing is known of",
        "a retained will of one that was there",
        "a retained will of one that is known to be gone is no news",
        "a retained will that data overruled stays overruled",
        "a will of now counts whatever was before",
        "a retained will that was taken back stays so",
        "a will of now counts after one that was taken back",
    ],
)
def test_told(before: Presence, online: bool, retained: bool, reported: bool, after: bool | None) -> None:
    assert told(before, online, T, retained=retained) == reported
    assert before.online is after


def test_a_retained_birth_is_believed_when_the_device_is_heard() -> None:
    presence = Presence()
    told(presence, True, T, retained=True)
    assert not presence.heard(T + 1, live=False)
    assert presence.heard(T + 2, live=True)
    assert presence.online is True
    assert not presence.heard(T + 3, live=True)


def test_a_live_message_after_a_last_will_takes_the_will_back() -> None:
    presence = Presence()
    told(presence, False, T)
    assert presence.heard(T, live=True), "there is an `online` to report"
    assert presence.online is True
    assert not presence.heard(T + 1, live=True), "it is reported once"
    assert presence.due(EVERY) is not None, "and repeated from then on"


def test_what_a_broker_kept_does_not_take_a_will_back() -> None:
    """It may be newer than the will, so its data holds; each repeated `false` would make it unknown at the centre."""
    presence = Presence()
    told(presence, False, T)
    states = []
    for time in (T - 1, T + 1):  # older data changes nothing
        assert not presence.heard(time, live=False)
        states.append(presence.online)
    assert states == [False, None]
    assert presence.due(EVERY) is None
    assert presence.heard(T + 2, live=True), "a live message takes it back all the same"
    assert presence.online is True


def test_it_is_said_again_before_the_last_report_is_as_old_as_every() -> None:
    presence = Presence()
    assert presence.due(EVERY) is None
    told(presence, True, T)
    due = presence.due(EVERY)
    assert due is not None
    assert T < due < T + EVERY


def test_a_broker_that_lost_its_sessions_may_have_lost_a_will() -> None:
    presence = Presence()
    told(presence, True, T)
    presence.forget()
    assert presence.online is None
    assert presence.heard(T + 5, live=True), "a device that speaks is there"


def test_a_will_after_a_broker_lost_its_sessions_counts_also_where_one_was_taken_back() -> None:
    presence = Presence()
    told(presence, False, T)
    presence.heard(T + 1, live=True)
    presence.forget()
    assert told(presence, False, T + 2, retained=True), "it may be a new one"
