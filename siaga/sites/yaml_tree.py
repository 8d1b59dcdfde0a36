"""Reads YAML into a tree in which every node has its line, within limits.

PyYAML's loaders either lose the lines or compose recursively, and its fast one crashes on deep nesting. Here the events
of its parser become nodes one by one. No tag creates an object. Aliases are followed, up to a limit.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    ScalarEvent,
)
from yaml.resolver import Resolver

__all__ = ["Mapping", "Node", "Scalar", "Sequence", "UnreadableYaml", "read_tree"]

MAX_CHARACTERS = 16_000_000
"""Characters of a file at most. A district takes half a megabyte; a country of 84,000 villages takes several files."""
MAX_DEPTH = 50
"""Levels at most; a sites file has eight."""
MAX_NODES = 3_000_000
"""Nodes at most, with aliases expanded. 16 MB of ordinary text has fewer; nested aliases ("billion laughs") more."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the fast one, if PyYAML was built with it
_TAG = "tag:yaml.org,2002:"


class UnreadableYaml(ValueError):
    """A text is not YAML, or over a limit. The message is a sentence without file and line."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


@dataclass(slots=True)
class Scalar:
    """One value. `text`: as written. `type`: YAML's type of it: str, int, float, bool, null or timestamp."""

    line: int
    text: str
    type: str
    size: int = 1


@dataclass(slots=True)
class Sequence:
    """A list."""

    line: int
    items: list["Node"] = field(default_factory=list)
    size: int = 1


@dataclass(slots=True)
class Mapping:
    """Pairs in the order of the text, including repeated keys."""

    line: int
    pairs: list[tuple["Node", "Node"]] = field(default_factory=list)
    size: int = 1


Node = Scalar | Sequence | Mapping


def read_tree(text: str) -> Node | None:
    """Returns the document of the text; `None` if the text is empty.

    Raises:
        UnreadableYaml: it is not YAML, has several documents, or is too large, too deep or endless.
    """
    if len(text) > MAX_CHARACTERS:
        raise UnreadableYaml(1, f"the file has {len(text)} characters, more than {MAX_CHARACTERS}")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UnreadableYaml(_line_at(text, error.start), "half of a surrogate pair is no character") from None
    try:
        return _Composer().compose(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise UnreadableYaml(mark.line + 1 if mark else 1, f"this is not YAML: {error.problem}") from None
    except yaml.reader.ReaderError as error:
        line = _line_at(text, error.position)
        raise UnreadableYaml(line, f"the character {_shown(error.character)} may not stand in YAML") from None


def _line_at(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _shown(character: str | int) -> str:
    return f"U+{character if isinstance(character, int) else ord(character):04X}"  # the fast parser gives its number


class _Composer:
    """Builds nodes from events, without recursion."""

    def __init__(self) -> None:
        self._resolver = Resolver()
        self._anchors: dict[str, Node] = {}
        self._open: list[tuple[Sequence | Mapping, list[Node], str | None]] = []
        self._nodes = 0
        self._root: Node | None = None
        self._documents = 0

    def compose(self, events: Iterator[Event]) -> Node | None:
        for event in events:
            line = event.start_mark.line + 1 if event.start_mark else 1
            if isinstance(event, DocumentStartEvent):
                self._documents += 1
                if self._documents > 1:
                    raise UnreadableYaml(line, "a second document begins here: the file has one")
            elif isinstance(event, AliasEvent):
                self._place(self._alias(event, line), None, line)
            elif isinstance(event, ScalarEvent):
                self._place(Scalar(line, event.value, self._type(event)), event.anchor, line)
            elif isinstance(event, CollectionStartEvent):
                if len(self._open) >= MAX_DEPTH:
                    raise UnreadableYaml(line, f"this is nested more than {MAX_DEPTH} levels deep")
                node = Mapping(line) if isinstance(event, MappingStartEvent) else Sequence(line)
                self._open.append((node, [], event.anchor))
            elif isinstance(event, CollectionEndEvent):
                self._close(line)
        return self._root

    def _alias(self, event: AliasEvent, line: int) -> Node:
        name = event.anchor or ""
        node = self._anchors.get(name)
        if node is None:
            raise UnreadableYaml(line, f"*{name[:40]} stands for nothing, or for what it is part of")
        return node

    def _type(self, event: ScalarEvent) -> str:
        tag: str | None = event.tag
        if tag is None or tag == "!":
            tag = self._resolver.resolve(yaml.ScalarNode, event.value, event.implicit)  # type: ignore[no-untyped-call] # the stubs leave it open
        return str(tag).removeprefix(_TAG)

    def _close(self, line: int) -> None:
        node, children, anchor = self._open.pop()
        node.size += sum(child.size for child in children)
        if isinstance(node, Mapping):
            node.pairs = list(zip(children[::2], children[1::2], strict=True))
        else:
            node.items = children
        self._nodes -= node.size - 1  # its children are counted already, and `_place` counts its whole size
        self._place(node, anchor, line)

    def _place(self, node: Node, anchor: str | None, line: int) -> None:
        self._nodes += node.size
        if self._nodes > MAX_NODES:
            raise UnreadableYaml(line, f"the file holds more than {MAX_NODES} values")
        if anchor is not None:
            self._anchors[anchor] = node
        if self._open:
            self._open[-1][1].append(node)
        else:
            self._root = node
