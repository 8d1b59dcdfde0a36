"""Reads typed values from the tree of a YAML file, and collects every mistake with its line.

A reader does not raise for a mistake. It notes it and returns a harmless value, so that one run finds all mistakes. The
caller ends with `Mistakes.raise_if_any`.
"""

import difflib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import TypeVar

from siaga.sites.yaml_tree import Mapping, Node, Scalar, Sequence, UnreadableYaml, read_tree
from siaga.wire.refusal import readable

__all__ = ["Mistake", "Mistakes", "Section", "SitesFileError", "shown"]

MAX_MISTAKES = 1_000
"""Mistakes that are described; more are only counted: it is then another kind of file."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake. `value`: as written; `None` if there is none. `message`: what is wrong, the end of a sentence."""

    file: str
    line: int
    key: str
    value: str | None
    message: str

    def __str__(self) -> str:
        what = self.message if self.value is None else f"{self.value} {self.message}"
        return (
            f"{self.file} line {self.line}: {self.key}: {what}" if self.key else f"{self.file} line {self.line}: {what}"
        )


class SitesFileError(ValueError):
    """A file has mistakes. It has all of them, in the order of their lines. Nothing is imported from such a file."""

    def __init__(self, mistakes: list[Mistake], uncounted: int = 0) -> None:
        self.mistakes = mistakes
        lines = [str(mistake) for mistake in mistakes]
        if uncounted:
            lines.append(f"{mistakes[0].file}: and {uncounted} more mistakes")
        super().__init__("\n".join(lines))


class Mistakes:
    """The mistakes found so far in one file."""

    def __init__(self, file: str) -> None:
        self._file = readable(file)
        self._found: list[Mistake] = []
        self._uncounted = 0

    def note(self, line: int, key: str, value: str | None, message: str) -> None:
        """Note a mistake."""
        if len(self._found) < MAX_MISTAKES:
            self._found.append(Mistake(self._file, line, readable(key)[:80], value, message))
        else:
            self._uncounted += 1

    def root(self, text: str, needed: str | None = None) -> Node | None:
        """Returns the tree of a file's text. `None`: it is empty, or unreadable, which is noted.

        `needed`: the key that an empty file lacks; without it a file may be empty.
        """
        try:
            root = read_tree(text)
        except UnreadableYaml as error:
            self.note(error.line, "", None, str(error))
            return None
        if root is None and needed is not None:
            self.note(1, needed, None, "is missing: the file is empty")
        return root

    def note_at(self, node: Node, key: str, message: str) -> None:
        """Note a mistake in the value at a node."""
        self.note(node.line, key, shown(node), message)

    def raise_if_any(self) -> None:
        """Raise if there are mistakes.

        Raises:
            SitesFileError: there is at least one.
        """
        if self._found:
            raise SitesFileError(sorted(self._found, key=lambda mistake: mistake.line), self._uncounted)


def shown(node: Node) -> str:
    """Returns a value as a sentence shows it: text in quotes, anything else as it was written."""
    if isinstance(node, Scalar):
        text = readable(node.text if len(node.text) <= 60 else f"{node.text[:60]}…")
        if node.type == "null":
            return "nothing"
        return f'"{text}"' if node.type == "str" else text
    return "a list" if isinstance(node, Sequence) else "a group of keys"


class Section:
    """One group of keys: a village, a facility or a device. The constructor notes unknown and repeated keys."""

    def __init__(self, mistakes: Mistakes, node: Node, key: str, keys: Collection[str]) -> None:
        self._mistakes = mistakes
        self.line = node.line
        self._values: dict[str, Node] = {}
        if not isinstance(node, Mapping):
            mistakes.note_at(node, key, "is not a group of keys")
            self.broken = True
            return
        self.broken = False
        for name, value in _pairs(mistakes, node, key):
            if name in keys:
                self._values[name] = value
            else:
                mistakes.note(value.line, name, shown(value), _unknown(name, keys))

    def node(self, key: str) -> Node | None:
        """Returns the value of a key; `None` if the key is absent."""
        return self._values.get(key)

    def line_of(self, key: str) -> int:
        """Returns the line of a key's value; the section's own line if the key is absent."""
        node = self._values.get(key)
        return self.line if node is None else node.line

    def missing(self, key: str) -> None:
        """Note that a required key is absent."""
        if not self.broken:
            self._mistakes.note(self.line, key, None, "is missing")

    def mistake(self, key: str, message: str) -> None:
        """Note a mistake in the value of a key."""
        node = self._values.get(key)
        self._mistakes.note(self.line_of(key), key, None if node is None else shown(node), message)

    def text(self, key: str, *, required: bool = False, any_scalar: bool = False) -> str | None:
        """Returns a text; `None` if it is absent or wrong.

        `any_scalar`: take a value as it was written, even if YAML reads it as a number. Addresses need this.
        """
        node = self._node(key, required=required)
        if node is None:
            return None
        if not isinstance(node, Scalar) or node.type == "null":
            self.mistake(key, "is not a text")
        elif node.type != "str" and not any_scalar:
            self.mistake(key, "is not a text; write it in quotes")
        elif not node.text.strip() or not node.text.isprintable() or len(node.text) > 200:
            self.mistake(key, "is not a text of 1 to 200 characters in one line")
        else:
            return node.text
        return None

    def number(self, key: str, low: float, high: float) -> float | None:
        """Returns a required number from `low` to `high`; `None` if it is absent or wrong."""
        node = self._node(key, required=True)
        if node is None:
            return None
        if isinstance(node, Scalar) and node.type in ("int", "float"):
            try:
                number = float(node.text)
            except ValueError:
                pass  # YAML's other notations: 0x1F, 1_000, 12:30
            else:
                if low <= number <= high:
                    return number
        self.mistake(key, f"is not a number from {low:g} to {high:g}")
        return None

    def parsed(self, key: str, parse: Callable[[str], T], *, required: bool = False) -> T | None:
        """Returns a text, parsed by `parse`; `None` if it is absent or wrong. A ValueError of `parse` is a mistake."""
        text = self.text(key, required=required)
        if text is None:
            return None
        try:
            return parse(text)
        except ValueError as error:
            self.mistake(key, str(error))
            return None

    def choice(self, key: str, choices: Collection[str], what: str, *, required: bool = False) -> str | None:
        """Returns one of the choices; `None` if it is absent or wrong. `what`: the noun for the error message."""
        text = self.text(key, required=required)
        if text is None or text in choices:
            return text
        near = difflib.get_close_matches(text[:100], choices, 1)
        hint = f"; did you mean {near[0]}?" if near else f": {', '.join(choices)}"
        self.mistake(key, f"is not {what}{hint}")
        return None

    def items(self, key: str) -> list[Node]:
        """Returns the items of a list; empty if it is absent or wrong."""
        node = self._node(key)
        if node is None:
            return []
        if not isinstance(node, Sequence):
            self.mistake(key, "is not a list")
            return []
        return node.items

    def pairs(self, key: str) -> Iterator[tuple[str, Node]]:
        """Yields the keys and values of a group without fixed keys; none if it is absent or wrong."""
        node = self._node(key)
        if node is None:
            return
        if not isinstance(node, Mapping):
            self.mistake(key, "is not a group of keys")
            return
        yield from _pairs(self._mistakes, node, key)

    def _node(self, key: str, *, required: bool = False) -> Node | None:
        node = self._values.get(key)
        if node is None and required:
            self.missing(key)
        return node


def _pairs(mistakes: Mistakes, node: Mapping, where: str) -> Iterator[tuple[str, Node]]:
    """Yields the pairs of a group, each key once, and notes repeated keys."""
    seen: dict[str, int] = {}
    for name, value in node.pairs:
        if not isinstance(name, Scalar):
            mistakes.note(name.line, where, shown(name), "is not a key")
        elif name.text in seen:
            mistakes.note(
                name.line, name.text, shown(value), f"stands here again; it is in line {seen[name.text]} already"
            )
        else:
            seen[name.text] = name.line
            yield name.text, value


def _unknown(name: str, keys: Collection[str]) -> str:
    near = difflib.get_close_matches(name[:100], keys, 1)
    return f"has no meaning here: there is no key {readable(name[:60])}" + (
        f"; did you mean {near[0]}?" if near else ""
    )
