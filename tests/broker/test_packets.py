"""The packets of MQTT 3.1.1, split from a stream and read: whatever a network does to it."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siaga.broker.packets import Packet, ProtocolViolation, Publish, decode, publish, split
from siaga.mqtt.filters import is_filter, matches

topics = st.text(st.characters(codec="utf-8", exclude_characters="+#\0"), min_size=1, max_size=40)

message = st.tuples(topics, st.binary(max_size=300), st.integers(0, 65_535), st.booleans())


@settings(max_examples=100)
@given(
    st.lists(st.tuples(topics, st.binary(max_size=300), st.integers(0, 65_535), st.booleans()), max_size=8), st.data()
)
def test_messages_come_out_of_the_stream_as_they_went_in_however_it_is_cut(
    messages: list[tuple[str, bytes, int, bool]], data: st.DataObject
) -> None:
    stream = b"".join(publish(topic, body, packet_id=number, retain=keep) for topic, body, number, keep in messages)
    buffer, read = bytearray(), []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        buffer += stream[:size]
        stream = stream[size:]
        while (taken := split(buffer)) is not None:
            read.append(decode(*taken))
    expected = [Publish(topic, body, int(number > 0), keep, number) for topic, body, number, keep in messages]
    assert read == expected
    assert not buffer


@settings(max_examples=200)
@given(st.integers(0, 255), st.binary(max_size=60))
def test_no_bytes_do_more_than_end_the_connection(first: int, body: bytes) -> None:
    packet: Packet | None = None
    with contextlib.suppress(ProtocolViolation):
        packet = decode(first, body)
    assert packet is None or first >> 4 in (1, 3, 4, 5, 6, 7, 8, 10, 12, 14)


@pytest.mark.parametrize(
    ("topic_filter", "topic", "expected"),
    [
        ("a/b", "a/b", True),
        ("a/b", "a/b/c", False),
        ("a/+", "a/b", True),
        ("a/+", "a/", True),
        ("a/+", "a", False),
        ("+/+", "/a", True),
        ("a/#", "a", True),
        ("a/#", "a/b/c", True),
        ("#", "a/b", True),
        ("#", "$SYS/load", False),
        ("+/load", "$SYS/load", False),
        ("$SYS/#", "$SYS/load", True),
        ("a/+/c", "a/b/d", False),
    ],
)
def test_filters_reach_their_topics(topic_filter: str, topic: str, expected: bool) -> None:
    assert matches(topic_filter, topic) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a/b", True),
        ("#", True),
        ("+", True),
        ("a/#", True),
        ("", False),
        ("a#", False),
        ("#/a", False),
        ("a+/b", False),
    ],
)
def test_only_well_formed_filters_are_granted(text: str, expected: bool) -> None:
    assert is_filter(text) is expected
