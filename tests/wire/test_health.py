"""What a gateway says of itself: whatever it is, the database can keep it."""

import pytest

from siaga.wire.health import UnreadableHealth, read_health


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (r'"a\u0000b"', r"a\x00b"),
        (r'"lampu\nhidup"', r"lampu\nhidup"),
        ('"pintu terbuka ✓"', "pintu terbuka ✓"),
        (f'"{"x" * 2_000}"', "x" * 1_000),
    ],
    ids=["NUL, which PostgreSQL refuses", "a control character", "plain words", "too much"],
)
def test_what_came_instead_is_kept_readably(said: str, kept: str) -> None:
    payload = f'{{"buffer": 0, "heard": {{"lampu-1": {{"what": {said}, "error": {said}}}}}}}'
    came = read_health(payload.encode()).heard["lampu-1"]
    assert (came.what, came.error) == (kept, kept)


@pytest.mark.parametrize(
    "said",
    [
        '"thinned": 1e30',
        '"thinned": 100000000000000000000',
        '"thinned": -1',
        r'"heard": {"lampu-1": {"what": "\ud800"}}',
        '"clocks": {"lampu-1": {"offset": 1e300, "since": 0}}',
    ],
)
def test_what_no_gateway_can_mean_is_not_understood(said: str) -> None:
    with pytest.raises(UnreadableHealth):
        read_health(f'{{"buffer": 0, {said}}}'.encode())
