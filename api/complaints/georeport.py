"""Documents of Open311 GeoReport v2, as XML and as JSON: pure.

The specification: https://wiki.open311.org/GeoReport_v2/. A document is a list or an object in JSON; in XML each list
has the name of its items, as the specification's examples have them.
"""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from xml.etree.ElementTree import Element, SubElement, tostring

import orjson

from api.complaints.rules import State

__all__ = ["Form", "Value", "rendered", "service_code", "split_service_code", "status_of"]

Value = str | int | float | bool | None | Sequence["Value"] | Mapping[str, "Value"]

_ITEMS = {
    "services": "service",
    "service_requests": "request",
    "attributes": "attribute",
    "values": "value",
    "errors": "error",
    "endpoints": "endpoint",
    "formats": "format",
}
"""By a list's name what each of its items is called in XML."""
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold (section 2.2)."""


class Form(StrEnum):
    """In which form a document goes out."""

    XML = "xml"
    JSON = "json"

    @property
    def media_type(self) -> str:
        """As the answer's header says it."""
        return "text/xml; charset=utf-8" if self is Form.XML else "application/json"


def rendered(form: Form, name: str, value: Value) -> bytes:
    """Returns a document. `name`: its root in XML."""
    if form is Form.JSON:
        return orjson.dumps(value)
    root = Element(name)
    _fill(root, value)
    document: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _fill(element: Element, value: Value) -> None:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            _fill(SubElement(element, name), inner)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for inner in value:
            _fill(SubElement(element, _ITEMS[element.tag]), inner)
    elif isinstance(value, bool):
        element.text = "true" if value else "false"
    elif value is not None:
        element.text = _NOT_XML.sub("", str(value))


def service_code(kind: str, problem: str) -> str:
    """Returns the code of the service that stands for a problem of a kind of facility."""
    return f"{kind}-{problem}"


def split_service_code(code: str) -> tuple[str, str]:
    """Returns the kind and the problem of a code; of any text."""
    kind, _, problem = code.partition("-")
    return kind, problem


def status_of(state: State) -> str:
    """Returns a state in the two words of the specification."""
    return "open" if state.is_open else "closed"
