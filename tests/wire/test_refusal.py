"""What a gateway refused reaches the centre readable and masked, and what is no refusal is said to be none."""

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siaga.wire.refusal import Refusal, UnreadableRefusal, decode_refusal, encode_refusal

VILLAGE = "35.10.15.2012"


@given(st.integers(0, 9_223_372_036_000), st.text(max_size=50), st.text(max_size=50), st.text(max_size=50))
@settings(max_examples=100, deadline=None)
def test_a_refusal_crosses_the_wire(time: int, topic: str, reason: str, sample: str) -> None:
    refusal = decode_refusal(encode_refusal(Refusal(VILLAGE, time, topic, reason, sample)), VILLAGE)
    assert (refusal.village, refusal.time) == (VILLAGE, time)
    assert (refusal.topic + refusal.reason + refusal.bytes).isprintable()


@pytest.mark.parametrize(("sent", "taken"), [("not_json", "not_json"), ("", ""), ("of a newer gateway", "")])
def test_its_reason_in_one_word_crosses_too(sent: str, taken: str) -> None:
    refusal = Refusal(VILLAGE, 1_000, "t", "r", "b", sent)
    assert decode_refusal(encode_refusal(refusal), VILLAGE) == Refusal(VILLAGE, 1_000, "t", "r", "b", taken)


def test_hardware_addresses_are_masked_on_both_sides() -> None:
    address = "a4:5e:60:c2:11:09"
    sent = encode_refusal(Refusal(VILLAGE, 1, address, address, address))
    assert address.encode() not in sent
    careless = orjson.dumps({"time": 1.5, "topic": address, "reason": address, "bytes": address})
    masked = "xx:xx:xx:xx:xx:xx"
    assert decode_refusal(careless, VILLAGE) == Refusal(VILLAGE, 1_500, masked, masked, masked)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff",
        b"[]",
        b"[" * 10_000,
        b'{"time":1,"topic":"t","reason":"r"}',
        b'{"time":"1","topic":"t","reason":"r","bytes":"b"}',
        b'{"time":NaN,"topic":"t","reason":"r","bytes":"b"}',
        b'{"time":-1,"topic":"t","reason":"r","bytes":"b"}',
        b'{"time":1,"topic":5,"reason":"r","bytes":"b"}',
        b'{"time":1,"topic":"t","reason":"r","bytes":"' + b"b" * 5_000 + b'"}',
    ],
    ids=lambda payload: repr(payload[:40]),
)
def test_what_is_no_refusal(payload: bytes) -> None:
    with pytest.raises(UnreadableRefusal) as refused:
        decode_refusal(payload, VILLAGE)
    assert "\n" not in str(refused.value)
