"""Whose page a request comes from, and by which cookie it is known: behind a proxy and without one."""

import pytest
from starlette.requests import HTTPConnection
from starlette.responses import Response

from api.http.cookie import forget, keep, secret_of
from api.http.site import Site
from siaga.model.clock import HOUR

PUBLIC = Site("https://siaga.example.go.id")
ANY = Site()


def asked(scheme: str = "http", host: str = "siaga.example.go.id", **headers: str) -> HTTPConnection:
    """A request as a route sees it."""
    raw = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return HTTPConnection({"type": "http", "scheme": scheme, "headers": [(b"host", host.encode()), *raw]})


@pytest.mark.parametrize(
    ("request_", "site", "own"),
    [
        (asked(sec_fetch_site="same-origin"), ANY, True),
        (asked(sec_fetch_site="same-site"), ANY, False),
        (asked(sec_fetch_site="cross-site"), ANY, False),
        (asked(sec_fetch_site="none"), ANY, False),
        (asked(sec_fetch_site="cross-site", origin="http://siaga.example.go.id"), ANY, False),
        (asked(sec_fetch_site="", origin="http://siaga.example.go.id"), ANY, False),
        (asked(), ANY, False),
        (asked(referer="http://siaga.example.go.id/login"), ANY, False),
        (asked(origin="null"), ANY, False),
        (asked(origin=""), ANY, False),
        (asked(origin="http://siaga.example.go.id"), ANY, True),
        (asked(origin="http://SIAGA.example.go.id:80"), ANY, True),
        (asked(host="10.0.0.5:8000", origin="http://10.0.0.5:8000"), ANY, True),
        (asked(host="[::1]:8000", origin="http://[::1]:8000"), ANY, True),
        (asked(host="10.0.0.5:8000", origin="http://10.0.0.5:8001"), ANY, False),
        (asked(origin="http://siaga.example.go.id.evil.example"), ANY, False),
        (asked(origin="http://evil.example/siaga.example.go.id"), ANY, False),
        (asked(origin="http://siaga.example.go.id@evil.example"), ANY, False),
        (asked(origin="http://evil.example:x"), ANY, False),
        (asked(origin="file://"), ANY, False),
        (asked(host="", origin="http://"), ANY, False),
        (asked("https", origin="https://siaga.example.go.id"), ANY, True),
        (asked("https", origin="http://siaga.example.go.id"), ANY, False),
        (asked(origin="https://siaga.example.go.id"), ANY, True),
        (asked(host="127.0.0.1:8000", origin="https://siaga.example.go.id"), PUBLIC, True),
        (asked(host="127.0.0.1:8000", origin="https://evil.example"), PUBLIC, False),
        (asked(origin="http://siaga.example.go.id"), PUBLIC, False),
    ],
    ids=lambda value: str(dict(value.headers)) if isinstance(value, HTTPConnection) else None,
)
def test_a_request_is_of_our_own_pages_if_its_browser_says_so(request_: HTTPConnection, site: Site, own: bool) -> None:
    assert site.is_own(request_.scope) is own


@pytest.mark.parametrize(
    ("request_", "site", "name"),
    [
        (asked("http"), ANY, "siaga"),
        (asked("https"), ANY, "__Host-siaga"),
        (asked("http"), PUBLIC, "__Host-siaga"),
        (asked("http", "127.0.0.1:8000"), PUBLIC, "siaga"),
        (asked("http"), Site("http://siaga.example.go.id"), "siaga"),
    ],
    ids=["plain", "https", "a proxy that says nothing, at the public address", "the machine itself", "plain in public"],
)
def test_a_cookie_has_the_prefix_wherever_a_browser_takes_it(request_: HTTPConnection, site: Site, name: str) -> None:
    answer = Response()
    keep(answer, request_, site, "secret", 12 * HOUR)
    said = answer.headers["set-cookie"]
    assert said.startswith(f"{name}=secret; ")
    assert {"HttpOnly", "Max-Age=43200", "Path=/", "SameSite=lax"} <= set(said.split("; "))
    assert ("Secure" in said) is name.startswith("__Host-")
    assert "Domain" not in said
    gone = Response()
    forget(gone, request_, site)
    assert gone.headers["set-cookie"].startswith(f'{name}=""; ')
    assert "Max-Age=0" in gone.headers["set-cookie"]


def test_by_https_the_cookie_that_a_neighbour_could_set_is_not_read() -> None:
    both = "siaga=planted; __Host-siaga=own"
    assert secret_of(asked("https", cookie=both), ANY) == "own"
    assert secret_of(asked("https", cookie="siaga=planted"), ANY) is None
    assert secret_of(asked("http", cookie=both), ANY) == "planted"
    assert secret_of(asked("http", cookie=f"siaga={'x' * 300}"), ANY) is None
