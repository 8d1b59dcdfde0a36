"""What an unknown device is proposed as, by what it says: a line a case."""

from collections.abc import Sequence

import pytest

from api.web.setup.proposal import device_of, propose
from siaga.model.clock import MINUTE, SECOND

VILLAGE = "35.10.15.2012"


@pytest.mark.parametrize(
    ("payload", "kind", "mapped", "unread"),
    [
        pytest.param('[{"n":"gate_open","vb":true},{"n":"battery","v":88}]', "gate", [], [], id="names of signals"),
        pytest.param('[{"bn":"gerbang/","n":"gate_open","vb":true}]', "gate", [], [], id="a base name with the device"),
        pytest.param('[{"n":"pintu","vb":false}]', "gate", [("pintu", "gate_open")], [], id="a word for it"),
        pytest.param('[{"n":"door-1","vb":false}]', "gate", [("door-1", "gate_open")], [], id="a word of a name"),
        pytest.param('[{"n":"gate-open","vb":true}]', "gate", [("gate-open", "gate_open")], [], id="nearly its name"),
        pytest.param('[{"n":"lamp","vb":true},{"n":"lux","v":12}]', "office_lighting",
                     [("lamp", "lamp_on"), ("lux", "illuminance")], [], id="two"),
        pytest.param('[{"n":"wifi_up","vb":true},{"n":"clients","v":3},{"n":"in', "free_wifi", [], [], id="cut off"),
        pytest.param('[{"n":"mains","vb":true}]', "power", [], [], id="mains has no indicator"),
        pytest.param('[{"n":"door","v":3.5}]', None, [], ["door"], id="a number is no gate that is open"),
        pytest.param('[{"n":"online","vb":true}]', None, [], [], id="online says nothing of what it is"),
        pytest.param('[{"n":"alive","vb":true},{"n":"frobnicate","v":1}]', None, [], ["frobnicate"], id="nobody knows"),
        pytest.param("not json at all", None, [], [], id="unreadable"),
    ],
)  # fmt: skip
def test_what_it_says_is_what_it_is(
    payload: str, kind: str | None, mapped: Sequence[tuple[str, str]], unread: Sequence[str]
) -> None:
    found = propose("gerbang", payload, 1, 0, 0)
    assert (found.kind, list(found.map), list(found.unread)) == (kind, mapped, unread)


@pytest.mark.parametrize(
    ("count", "last", "every"),
    [
        (1, 0, "1m"),
        (2, 10 * SECOND, "1m"),
        (10, 9 * 29 * SECOND, "30s"),
        (10, 9 * 70 * SECOND, "5m"),
        (3, 9_000 * MINUTE, "1h"),
    ],
)  # fmt: skip
def test_how_often_it_spoke_is_how_often_it_reports(count: int, last: int, every: str) -> None:
    assert propose("a", "", count, 0, last).every == every


@pytest.mark.parametrize(
    ("topic", "reason", "device"),
    [
        (f"siaga/v1/{VILLAGE}/gerbang-9/senml", "", "gerbang-9"),
        (f"siaga/v1/{VILLAGE}/gateway/gw/batch", "'gerbang-9' is no device of the village", "gerbang-9"),
        (f"siaga/v1/{VILLAGE}/gateway/gw/batch", "'Gerbang 9' is no device of the village", None),
        (f"siaga/v1/{VILLAGE}/gateway/gw/batch", "'gw-2' is no gateway, and alive is a gateway's own", None),
        ("tele/gerbang/STATE", "", None),
    ],
)
def test_who_it_is(topic: str, reason: str, device: str | None) -> None:
    assert device_of(topic, reason) == device
