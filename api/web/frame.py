"""The frame of all pages: one base template, its headers, and what each page is given."""

from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import Response

from api.http.sender import PERSON, named
from api.web.looker import Looker, Theme
from api.web.navigation import entries
from api.web.next_path import START
from api.web.notice import forget_notice, taken_notice
from api.web.static_files import static

__all__ = ["HEADERS", "Frame", "FrameHere"]

_ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
"""One a process: it keeps the templates compiled."""
_ENVIRONMENT.globals["static"] = static
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Referrer-Policy": "same-origin",  # with none, a browser sends no origin with a form
    "Vary": "Accept-Language, Cookie",
}
"""What every page carries."""


class Frame:
    """Renders templates. A page's template extends `frame.html` and fills its blocks `head` and `main`.

    `paths`: the addresses that there are: the navigation leaves out what has none.
    Each template has: `t` (the words), `looker`, `static` (addresses of files), and what the page gives it.
    """

    def __init__(self, paths: frozenset[str]) -> None:
        self._paths = paths

    def text(self, template: str, looker: Looker, **values: object) -> str:
        """Returns a template without the frame, or one that needs nothing of the request."""
        return _ENVIRONMENT.get_template(template).render(
            t=looker.words, looker=looker, lang=looker.words.tag, **values
        )

    def page(
        self,
        request: Request,
        looker: Looker,
        template: str,
        *,
        status: int = 200,
        headers: dict[str, str] | None = None,
        here: str | None = None,
        **values: object,
    ) -> Response:
        """Returns a whole page, with the notice that the page before left. `title` is due among `values`.

        `here`: the page's address, where it answers a form that was sent to another one.
        """
        body = self.text(
            template,
            looker,
            path=request.url.path,
            here=here or request.url.path + (f"?{request.url.query}" if request.url.query else ""),
            navigation=entries(looker, self._paths),
            home="/" if "/" in self._paths else START,
            may_sign_in="/login" in self._paths,
            may_sign_out="/logout" in self._paths,
            notice=taken_notice(request),
            other_theme=_other_theme(looker.theme),
            **values,
        )
        known = HEADERS | {"Content-Language": looker.words.tag} | (headers or {})
        if looker.caller is not None:
            known[PERSON] = named(looker.caller)
        response = Response(body, status, known, "text/html")
        forget_notice(request, response)
        return response


def _other_theme(theme: Theme) -> Theme:
    """Returns what the button for the colours changes to: device, light, dark, in turn."""
    order = list(Theme)
    return order[(order.index(theme) + 1) % len(order)]


async def _frame(request: Request) -> Frame:
    found: Frame = request.app.state.frame
    return found


FrameHere = Annotated[Frame, Depends(_frame)]
"""A route's parameter that takes the frame."""
