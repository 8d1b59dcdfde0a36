"""What gateways report of devices that they do not know, and what is made of reports that are wrong."""

import json

import pytest

from siaga.model.sites import Adapter
from siaga.wire.refusal import Refusal, decode_refusal, encode_refusal
from siaga.wire.unknown_device import UnknownDevice, decode_unknown, encode_unknown

VILLAGE = "35.10.15.2012"
LAMP = UnknownDevice(
    VILLAGE, "gw", Adapter.TASMOTA, "lampu-aula", 1_000, 61_000, 2, 60_000, "tele/lampu-aula/STATE", '{"POWER":"ON"}',
    {"POWER": "ON"}, {"": ["rssi"], "office_lighting": ["rssi", "lamp_on"]},
)  # fmt: skip


def test_a_report_comes_as_it_was_sent() -> None:
    assert decode_unknown(encode_unknown(LAMP), VILLAGE, "gw") == LAMP


def test_a_refusal_is_no_report_and_a_report_no_refusal() -> None:
    refusal = Refusal(VILLAGE, 1_000, "topic", "reason", "bytes", "not_json")
    assert decode_unknown(encode_refusal(refusal), VILLAGE, "gw") is None
    with pytest.raises(ValueError, match="not a refusal"):
        decode_refusal(encode_unknown(LAMP), VILLAGE)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"adapter": "tuya"}, id="a family that nobody has"),
        pytest.param({"address": ""}, id="no address"),
        pytest.param({"address": "x" * 201}, id="an endless address"),
        pytest.param({"address": "a\nb"}, id="an address of two lines"),
        pytest.param({"count": 0}, id="it never spoke"),
        pytest.param({"last": 1e12}, id="a time in ms"),
        pytest.param({"every": 0}, id="no interval"),
        pytest.param({"values": {f"k{n}": "" for n in range(41)}}, id="more keys than a report has"),
        pytest.param({"gives": {"": ["<b>"]}}, id="no signal"),
        pytest.param({"label": "not_json"}, id="a refusal's label"),
    ],
)
def test_a_report_that_is_wrong_is_none(wrong: dict[str, object]) -> None:
    sent = json.loads(encode_unknown(LAMP)) | wrong
    assert decode_unknown(json.dumps(sent).encode(), VILLAGE, "gw") is None


def test_long_texts_are_cut_and_hardware_addresses_masked_whatever_the_gateway_did() -> None:
    sent = json.loads(encode_unknown(LAMP))
    sent |= {"topic": "t" * 999, "bytes": "b" * 9_999, "values": {"k" * 99: "v" * 99, "mac": "02:9f:c3:5b:7e:d1"}}
    found = decode_unknown(json.dumps(sent).encode(), VILLAGE, "gw")
    assert found is not None
    assert (len(found.topic), len(found.bytes)) == (300, 1_024)
    assert dict(found.values) == {"k" * 80: "v" * 40, "mac": "xx:xx:xx:xx:xx:xx"}
