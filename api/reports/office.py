"""The office's own form of a report: letterhead, number, legal basis, signer. `SIAGA_REPORT_FORM` names its file.

A YAML file (docs/reports.md). It is read once, when siaga starts; every mistake in it is a sentence with its line.
"""

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from api.reports.restitution import Restitution
from siaga.sites.mistakes import Mistakes, SitesFileError
from siaga.sites.on_disk import read_text
from siaga.sites.yaml_tree import Mapping, Node, Scalar, Sequence

__all__ = ["PLAIN", "Logo", "Office", "OfficeForm", "Signer", "SitesFileError", "load_office", "read_office"]

LARGEST_LOGO = 512 * 1024
"""Bytes. A coat of arms for print takes 50 kB; it goes into every report."""
LONGEST_LINE = 200
_LINES = 12

Tree = str | None | list["Tree"] | dict[str, "Tree"]
"""What a file says, every value as it was written: a NIP keeps its zeros."""


def _line(text: str) -> str:
    text = text.strip()
    if not text or not text.isprintable() or len(text) > LONGEST_LINE:
        raise ValueError(f"is not a text of 1 to {LONGEST_LINE} characters in one line")
    return text


def _link(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError("is not the address of siaga's pages such as https://siaga.example.go.id")
    return text.rstrip("/")


Line = Annotated[str, AfterValidator(_line)]
Lines = Annotated[tuple[Line, ...], Field(max_length=_LINES)]


class Logo(BaseModel):
    """A picture for the letterhead, and in which format it is."""

    model_config = ConfigDict(frozen=True, ser_json_bytes="base64", val_json_bytes="base64")

    format: Literal["png", "jpg", "svg"]
    data: bytes


class Signer(BaseModel):
    """Who signs: the office that is held, the name, and of a civil servant rank and NIP."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    office: Line
    name: Line
    rank: Line | None = None
    nip: Line | None = None


class OfficeForm(BaseModel):
    """What the settings file may say of one office.

    `link`: where its siaga is, for the code on the cover of an issued report. `restitution`: what a provider's contract
    says of downtime.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    letterhead: Lines = ()
    address: Lines = ()
    logo: Logo | None = None
    number: Line | None = None
    basis: Lines = ()
    place: Line | None = None
    signer: Signer | None = None
    link: Annotated[str, AfterValidator(_line), AfterValidator(_link)] | None = None
    restitution: Restitution | None = None


class Office(OfficeForm):
    """An office's form, and the district's own rules.

    `answered_within`: its rule for the complaints box, ms; `None`: it has none.
    """

    answered_within: Annotated[int, Field(gt=0)] | None = None


_GROUPS: dict[str, type[BaseModel]] = {"signer": Signer, "restitution": Restitution}
PLAIN = Office()
"""The form without a settings file: no letterhead, and an empty line to sign on."""


def load_office(path: Path) -> Office:
    """Returns the form that a file describes. The logo is a file beside it.

    Raises:
        SitesFileError: it has mistakes; all of them are in it, each with its line.
        ValueError: it cannot be read.
    """
    return read_office(read_text(path), str(path), path.parent)


def read_office(text: str, filename: str, directory: Path) -> Office:
    """Returns the form that a text describes; a logo is looked for in `directory`.

    Raises:
        SitesFileError: it has mistakes; all of them are in it, each with its line.
    """
    mistakes = Mistakes(filename)
    root = mistakes.root(text)
    if root is None:
        mistakes.raise_if_any()
        return PLAIN
    if not isinstance(root, Mapping):
        mistakes.note_at(root, "", "is not a group of keys")
    written = _plain(root, "", mistakes)
    mistakes.raise_if_any()
    asked: dict[str, object] = dict(written) if isinstance(written, dict) else {}
    name = asked.get("logo")
    if isinstance(name, str):
        asked["logo"] = _logo(root, name, directory, mistakes)
    try:
        office = Office(**dict(OfficeForm.model_validate(asked)))
    except ValidationError as error:
        for problem in error.errors(include_url=False):
            _note(problem["loc"], problem["type"], problem["msg"], root, mistakes)
        office = PLAIN
    mistakes.raise_if_any()
    return office


def _plain(node: Node, key: str, mistakes: Mistakes) -> Tree:
    """The values of a tree; a single text where a list may stand stays a text."""
    match node:
        case Scalar():
            return None if node.type == "null" else node.text
        case Sequence():
            return [_plain(item, key, mistakes) for item in node.items]
        case Mapping():
            found: dict[str, Tree] = {}
            for name, value in node.pairs:
                text = name.text if isinstance(name, Scalar) else "?"
                if text in found:
                    mistakes.note(value.line, text, None, "stands twice")
                found[text] = _plain(value, text, mistakes)
            return found


def _note(where: tuple[int | str, ...], kind: str, message: str, root: Node, mistakes: Mistakes) -> None:
    """Note a mistake that the model found, with the line of its value."""
    node, key, absent = root, "", kind == "missing"
    for step in where[: -1 if absent else None]:
        match node:
            case Mapping():
                key = str(step)
                node = _at(node, key)
            case Sequence() if isinstance(step, int) and step < len(node.items):
                node = node.items[step]
            case _:
                break
    if absent:
        mistakes.note(node.line, str(where[-1]), None, "is missing")
    elif kind == "extra_forbidden":
        model = _GROUPS.get(str(where[0]), Office)
        mistakes.note(node.line, key, None, f"is no key here; there are {', '.join(model.model_fields)}")
    else:
        sentence = message.removeprefix("Value error, ")
        expected = {
            "tuple_type": "is not a list of texts",
            "string_type": "is not a text",
            "model_type": "is not a group of keys",
            "too_long": f"has more than {_LINES} lines",
            "dict_type": "is not a group of keys",
            "int_parsing": "is not a whole number",
            "greater_than_equal": "is less than 0",
        }
        mistakes.note_at(node, key, expected.get(kind, sentence))


def _at(node: Node, key: str) -> Node:
    """What stands at a key of a node; the node itself where nothing does."""
    pairs = node.pairs if isinstance(node, Mapping) else []
    return next((value for name, value in pairs if isinstance(name, Scalar) and name.text == key), node)


def _logo(root: Node, name: str, directory: Path, mistakes: Mistakes) -> Logo | None:
    node = _at(root, "logo")
    try:
        data = (directory / name).read_bytes()
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else "that is no name of a file"
        mistakes.note_at(node, "logo", f"cannot be read: {reason}")
        return None
    if len(data) > LARGEST_LOGO:
        mistakes.note_at(node, "logo", f"has {len(data):,} bytes, more than {LARGEST_LOGO:,}")
        return None
    logo = _picture(data)
    if logo is None:
        mistakes.note_at(node, "logo", "is no picture as PNG, JPEG or SVG")
        return None
    from api.reports.pdf.typeset import problem_of  # noqa: PLC0415 - typst is 60 MB

    problem_there = problem_of(logo)
    if problem_there is not None:
        mistakes.note_at(node, "logo", f"cannot be drawn: {problem_there}")
    return logo


def _picture(data: bytes) -> Logo | None:
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return Logo(format="png", data=data)
    if data.startswith(b"\xff\xd8\xff"):
        return Logo(format="jpg", data=data)
    return Logo(format="svg", data=data) if b"<svg" in data[:4096] else None
