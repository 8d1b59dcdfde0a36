"""axe in a page: what keeps somebody from using it, in light and dark."""

from axe_playwright_python.base import AXE_SCRIPT  # type: ignore[import-untyped]  # it has no types
from playwright.sync_api import Page

__all__ = ["finds_nothing"]

_ALL: dict[str, object] = {"resultTypes": ["violations"]}
_COLOURS = _ALL | {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
_RUN = """async (options) => (await axe.run(options)).violations
  .map((one) => `${one.id}: ${one.help}: ${one.nodes.map((node) => node.html).join(" ")}`)"""


def finds_nothing(page: Page, *, dark: bool = True) -> None:
    """Fail where axe finds something on a page. In the dark only the colours differ, whatever the language."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    page.emulate_media(color_scheme="light")
    assert page.evaluate(_RUN, _ALL) == [], f"{page.url} light"
    if dark:
        page.emulate_media(color_scheme="dark")
        assert page.evaluate(_RUN, _COLOURS) == [], f"{page.url} dark"
