"""After signing in nobody is led to another host; sessions are listed by browser and system."""

import pytest

from api.web.agent import agent_name
from api.web.next_path import START, safe_next, sign_in_address


@pytest.mark.parametrize(
    "path", ["/", "/alerts", "/alerts?village=35.10&fold=1", "/villages/35.10.15.2012", "/setup/people", "/a?b=//c"]
)
def test_a_path_of_ours_is_gone_on_to(path: str) -> None:
    assert safe_next(path) == path


@pytest.mark.parametrize(
    "elsewhere",
    [
        None,
        "",
        "alerts",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "/a\\b",
        "\\\\evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "/alerts\r\nSet-Cookie: siaga=x",
        "/alerts\n",
        " /alerts",
        "/alerts x",
        "/déwa",
        "/login",
        "/login?next=/login",
        "/logout",
        "/welcome/secret",
        "/" + "x" * 1000,
    ],
)
def test_anything_else_leads_to_the_start(elsewhere: str | None) -> None:
    assert safe_next(elsewhere) == START


def test_the_way_back_survives_in_the_address() -> None:
    assert (
        sign_in_address("/alerts?village=35.10&kind=a b#c")
        == "/login?next=/alerts%3Fvillage%3D35.10%26kind%3Da%20b%23c"
    )


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("Mozilla/5.0 (Android 14; Mobile; rv:128.0) Gecko/128.0 Firefox/128.0", "Firefox, Android"),
        (
            "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/126.0.0.0 Mobile Safari/537.36",
            "Chrome, Android",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Safari/604.1",
            "Safari, iPhone",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0",
            "Edge, Windows",
        ),
        ("curl/8.0", "?"),
        ("<script>alert(1)</script>", "?"),
        ("", "?"),
        (None, "?"),
    ],
)
def test_a_browser_is_named_in_two_words(header: str | None, name: str) -> None:
    assert agent_name(header) == name
