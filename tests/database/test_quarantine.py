"""The quarantine shows what was refused: readable, bounded, without hardware addresses."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from siaga.database.quarantine import Quarantine, Refusal, _fair_share, mask, sample
from siaga.model.scope import Scopes

KAMPUNGANYAR, TAMANSURUH, LICIN = "35.10.15.2012", "35.10.15.2010", "35.10.16.2001"


def refusal(village: str | None, number: int) -> Refusal:
    return Refusal(village, 1_000 + number, f"siaga/v1/{village}/x/senml", "not JSON", f"payload {number}")


def test_refusals_are_listed_newest_first_by_village_and_page_by_page(engine: Engine) -> None:
    quarantine = Quarantine(engine)
    quarantine.add([refusal(KAMPUNGANYAR, 1), refusal(None, 2), refusal(KAMPUNGANYAR, 3)])
    everything = quarantine.items()
    assert [item.bytes for item in everything] == ["payload 3", "payload 2", "payload 1"]
    assert [item.time for item in quarantine.items(Scopes.of([KAMPUNGANYAR]))] == [1_003, 1_001]
    assert quarantine.items(Scopes.of([TAMANSURUH])) == []
    first = quarantine.items(limit=2)
    assert quarantine.items(limit=2, before_id=first[-1].id) == everything[2:]


def test_groups_count_all_of_a_village_and_a_reason_the_newest_first(engine: Engine) -> None:
    quarantine = Quarantine(engine)
    said = [(KAMPUNGANYAR, "a"), (LICIN, "a"), (KAMPUNGANYAR, "b"), (KAMPUNGANYAR, "a"), (None, "c")]
    quarantine.add(
        Refusal(village, 1_000 + number, "topic", reason, f"payload {number}", "unknown_device")
        for number, (village, reason) in enumerate(said)
    )
    quarantine.add([Refusal(LICIN, 2_000, "topic", "a", "other", "not_json")])
    groups = quarantine.groups("unknown_device")
    found = [(one.count, one.first, one.newest.village, one.newest.reason, one.newest.bytes) for one in groups]
    assert found == [
        (1, 1_004, None, "c", "payload 4"),
        (2, 1_000, KAMPUNGANYAR, "a", "payload 3"),
        (1, 1_002, KAMPUNGANYAR, "b", "payload 2"),
        (1, 1_001, LICIN, "a", "payload 1"),
    ]
    assert quarantine.groups("unknown_device", Scopes.of([LICIN])) == groups[3:]
    assert quarantine.groups("unknown_device", limit=2) == groups[:2]


def test_a_flood_from_one_village_drops_its_own_oldest_and_counts_them(engine: Engine) -> None:
    quarantine = Quarantine(engine, per_village=10, total=100)
    quarantine.add([refusal(TAMANSURUH, 1)])
    assert quarantine.add([refusal(KAMPUNGANYAR, number) for number in range(25)]) == 15
    assert quarantine.add([refusal(KAMPUNGANYAR, number) for number in range(25, 28)]) == 3
    kept = quarantine.items(Scopes.of([KAMPUNGANYAR]))
    assert [item.bytes for item in kept] == [f"payload {number}" for number in range(27, 17, -1)]
    assert len(quarantine.items(Scopes.of([TAMANSURUH]))) == 1
    assert quarantine.dropped() == {KAMPUNGANYAR: 18}


def test_when_all_is_full_the_loudest_give_first(engine: Engine) -> None:
    quarantine = Quarantine(engine, per_village=20, total=30)
    quarantine.add([refusal(LICIN, 1)])
    quarantine.add([refusal(None, number) for number in range(15)])
    assert quarantine.add([refusal(KAMPUNGANYAR, number) for number in range(15)]) == 4
    assert len(quarantine.items(Scopes.of([LICIN]))) == 1
    assert len(quarantine.items(Scopes.of([KAMPUNGANYAR]))) == 13
    assert len(quarantine.items()) == 27
    assert quarantine.dropped() == {KAMPUNGANYAR: 2, None: 2}


def test_with_more_villages_than_room_the_newest_stay(engine: Engine) -> None:
    quarantine = Quarantine(engine, total=10)
    quarantine.add([refusal(f"35.10.15.{2000 + number}", number) for number in range(12)])
    assert [item.bytes for item in quarantine.items()] == [f"payload {number}" for number in range(11, 2, -1)]
    assert quarantine.dropped() == {f"35.10.15.{2000 + number}": 1 for number in range(3)}


def test_what_no_database_would_take_is_kept_readable(engine: Engine) -> None:
    quarantine = Quarantine(engine)
    odd = Refusal("no/code\0", 1, "siaga/v1/\0\ud800/x", "reason\0 of aa:bb:cc:dd:ee:ff", "\x1b[2J" * 9_000)
    quarantine.add([odd])
    (item,) = quarantine.items()
    assert (item.village, item.topic) == (None, "siaga/v1/\\x00\\ud800/x")
    assert item.reason == "reason\\x00 of xx:xx:xx:xx:xx:xx"
    assert item.bytes.startswith("\\x1b[2J")
    assert len(item.bytes) <= 1_024


def test_many_who_add_at_once_wait_for_each_other(engine: Engine) -> None:
    quarantine = Quarantine(engine, per_village=8, total=20)
    villages = [f"35.10.15.{2000 + number}" for number in range(6)]

    def add(turn: int) -> int:
        order = villages if turn % 2 else villages[::-1]
        return sum(quarantine.add([refusal(village, turn) for village in order]) for _ in range(10))

    with ThreadPoolExecutor(4) as pool:
        dropped = sum(pool.map(add, range(4)))
    assert dropped == sum(quarantine.dropped().values())
    assert len(quarantine.items(limit=1_000)) == 4 * 10 * 6 - dropped <= 20


def test_adding_nothing_is_nothing(engine: Engine) -> None:
    assert Quarantine(engine).add([]) == 0


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        pytest.param("sta a4:5E:60:c2:11:09 left", "sta xx:xx:xx:xx:xx:xx left", id="colons, any case"),
        pytest.param("a4-5e-60-c2-11-09", "xx-xx-xx-xx-xx-xx", id="hyphens"),
        pytest.param("client_a4_5e_60_c2_11_09", "client_xx_xx_xx_xx_xx_xx", id="underscores"),
        pytest.param("a45e.60c2.1109", "xxxx.xxxx.xxxx", id="Cisco"),
        pytest.param('"mac":"A45E60C21109"', '"mac":"xxxxxxxxxxxx"', id="without separators"),
        pytest.param("00:15:8d:00:01:a2:b3:c4", "xx:xx:xx:xx:xx:xx:xx:xx", id="EUI-64"),
        pytest.param("3f2504e0-4f89-41d3-9a0c-0305e82c3301", "3f2504e0-4f89-41d3-9a0c-0305e82c3301", id="a UUID stays"),
        pytest.param("1732000000.5 12:34:56 08:00-15:00", "1732000000.5 12:34:56 08:00-15:00", id="times stay"),
        pytest.param("35.10.15.2012/gerbang-1", "35.10.15.2012/gerbang-1", id="names stay"),
        pytest.param("tasmota_A4C211", "tasmota_A4C211", id="half an address stays"),
    ],
)
def test_hardware_addresses_are_masked_and_nothing_else(text: str, masked: str) -> None:
    assert mask(text) == masked
    assert mask(masked) == masked


def test_an_address_that_the_cut_goes_through_is_masked_too() -> None:
    kept = sample(b"." * 245 + b"a4:5e:60:c2:11:09")
    assert kept == "." * 245 + "xx:xx:xx:xx"


def test_bytes_that_are_no_text_are_shown_as_escapes() -> None:
    assert sample(b"\xff\x00caf\xc3\xa9\r\n") == "\\xff\\x00café\\r\\n"


@given(st.binary(max_size=600))
@settings(max_examples=200, deadline=None)
def test_a_sample_is_printable_and_short(payload: bytes) -> None:
    text = sample(payload)
    assert text.isprintable()
    assert len(text) <= 1_024


@given(st.lists(st.integers(1, 1_000), min_size=1, max_size=50), st.integers(1, 2_000))
@settings(max_examples=200, deadline=None)
def test_a_fair_share_fits_and_takes_nothing_from_who_has_less(counts: list[int], total: int) -> None:
    if sum(counts) <= total:
        return
    share = _fair_share(counts, total)
    kept = sum(min(count, share) for count in counts)
    room = total * 9 // 10
    assert kept <= room
    assert kept + sum(count > share for count in counts) > room
