"""Every topic of the contract is made and read in one place; what is foreign is said to be."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siaga.wire import topics
from siaga.wire.topics import DeviceTopic, ForeignTopic, GatewayTopic, parse_topic

VILLAGE = "35.10.15.2012"
SLUGS = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,63}", fullmatch=True)
CODES = st.from_regex(r"[0-9]{2}\.[0-9]{2}\.[0-9]{2}\.[0-9]{4}", fullmatch=True)


@pytest.mark.parametrize(
    ("topic", "meaning"),
    [
        (topics.senml_topic(VILLAGE, "gerbang-1"), DeviceTopic(VILLAGE, "gerbang-1", "senml")),
        (topics.status_topic(VILLAGE, "gerbang-1"), DeviceTopic(VILLAGE, "gerbang-1", "status")),
        (topics.batch_topic(VILLAGE, "gw"), GatewayTopic(VILLAGE, "gw", "batch")),
        (topics.ack_topic(VILLAGE, "gw"), GatewayTopic(VILLAGE, "gw", "ack")),
        (topics.gateway_status_topic(VILLAGE, "gw"), GatewayTopic(VILLAGE, "gw", "status")),
        (topics.refused_topic(VILLAGE, "gw"), GatewayTopic(VILLAGE, "gw", "refused")),
        (topics.health_topic(VILLAGE, "gw"), GatewayTopic(VILLAGE, "gw", "health")),
        ("siaga/v1/35.10.15.2012/gateway/senml", DeviceTopic(VILLAGE, "gateway", "senml")),
        ("siaga/v1/35.10.15.2012/gateway/gw/batch", GatewayTopic(VILLAGE, "gw", "batch")),
    ],
)
def test_a_topic_of_ours_says_what_it_is_for(topic: str, meaning: topics.Topic) -> None:
    assert parse_topic(topic) == meaning


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "siaga",
        "stat/gerbang/RESULT",
        "siaga/v2/35.10.15.2012/gerbang/senml",
        "siaga/v1/35.10.15/gerbang/senml",
        "siaga/v1/35.10.15.20123/gerbang/senml",
        "siaga/v1/٣٥.10.15.2012/gerbang/senml",
        "siaga/v1/35.10.15.2012\n/gerbang/senml",
        "siaga/v1/35.10.15.2012/Gerbang/senml",
        "siaga/v1/35.10.15.2012/-gerbang/senml",
        f"siaga/v1/35.10.15.2012/{'g' * 65}/senml",
        "siaga/v1/35.10.15.2012//senml",
        "siaga/v1/35.10.15.2012/gerbang/senml/x",
        "siaga/v1/35.10.15.2012/gerbang/batch",
        "siaga/v1/35.10.15.2012/gateway/gw/senml",
        "siaga/v1/35.10.15.2012/gateway/gw/batch/x",
        "siaga/v1/35.10.15.2012/+/senml",
    ],
)
def test_any_other_topic_is_foreign(topic: str) -> None:
    with pytest.raises(ForeignTopic):
        parse_topic(topic)


@given(CODES, SLUGS)
@settings(max_examples=100, deadline=None)
def test_what_is_made_is_read_back(village: str, name: str) -> None:
    assert parse_topic(topics.senml_topic(village, name)) == DeviceTopic(village, name, "senml")
    assert parse_topic(topics.batch_topic(village, name)) == GatewayTopic(village, name, "batch")


@given(st.text(max_size=80) | st.text(max_size=20).map(lambda text: f"siaga/v1/{VILLAGE}/{text}/senml"))
@settings(max_examples=200, deadline=None)
def test_no_text_upsets_the_reader(topic: str) -> None:
    problem = ""
    try:
        parse_topic(topic)
    except ForeignTopic as error:
        problem = str(error)
    assert len(problem) < 500
