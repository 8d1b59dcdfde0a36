"""Every reason that the code counts is one of the fixed list, so that each has its sentence and its remedy."""

import ast
from collections.abc import Iterator
from pathlib import Path

from siaga.wire.refusal import LABELS

ROOT = Path(__file__).resolve().parents[2]
PLACES = {"Refused": 0, "_Refused": 0, "UnreadableBatch": 0, "refuse": 0, "note": 0, "RefusedRecord": 0}
"""What is called with a label, and which argument it is."""


def labels() -> Iterator[str]:
    """Yields the labels that the gateway, the wire and the collector are written with."""
    for room in ("gateway", "collector", "siaga/wire"):
        for path in sorted((ROOT / room).rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            for node in ast.walk(tree):
                if isinstance(node, ast.Call):
                    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                    place = PLACES.get(name)
                    if place is not None and len(node.args) > place:
                        yield from _texts(node.args[place], tree)


def _texts(argument: ast.expr, tree: ast.Module) -> Iterator[str]:
    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
        yield argument.value
    elif isinstance(argument, ast.Name):  # a name that the module gives a text
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and argument.id in {getattr(one, "id", "") for one in node.targets}:
                branches = [node.value.body, node.value.orelse] if isinstance(node.value, ast.IfExp) else [node.value]
                yield from (
                    one.value for one in branches if isinstance(one, ast.Constant) and isinstance(one.value, str)
                )


def test_the_list_has_each_label_of_the_code_and_no_other() -> None:
    assert set(labels()) == set(LABELS)
