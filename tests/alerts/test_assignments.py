"""No object of the engine is changed from all sides: only its own methods assign its fields."""

import ast
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

import api.alerts
import api.engine
from api.alerts.device import WatchedDevice
from api.alerts.facility import WatchedFacility
from api.alerts.gateway import WatchedGateway
from api.alerts.link import Link
from api.alerts.village import WatchedVillage

FILES = sorted(path for room in (api.alerts, api.engine) for path in Path(room.__path__[0]).rglob("*.py"))
OWNED = {
    field.name
    for kind in (WatchedVillage, WatchedFacility, WatchedDevice, WatchedGateway, Link)
    for field in fields(kind)
}
"""The fields of a village and of its parts. What is stored under a key of one of them counts as assigned, too."""


def targets(tree: ast.AST) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=found) | ast.Delete(targets=found):
                pass
            case (
                ast.AugAssign(target=one) | ast.AnnAssign(target=one) | ast.NamedExpr(target=one) | ast.For(target=one)
            ):
                found = [one]
            case _:
                continue
        for target in found:
            yield from target.elts if isinstance(target, ast.Tuple | ast.List) else [target]


def foreign(source: str) -> list[str]:
    """The assignments to attributes of anything but `self`, or but the `out` that a verb builds and returns."""
    found = []
    for target in targets(ast.parse(source)):
        inside = target
        while isinstance(inside, ast.Subscript):
            inside = inside.value
        if not isinstance(inside, ast.Attribute) or (inside is not target and inside.attr not in OWNED):
            continue
        if not (isinstance(inside.value, ast.Name) and inside.value.id in ("self", "out")):
            found.append(f"line {target.lineno}: {ast.unparse(target)}")
    return found


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_only_its_own_methods_assign_the_fields_of_an_object(path: Path) -> None:
    assert foreign(path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("source", "is_foreign"),
    [
        ("self.link = 1", False),
        ("out.asks = True", False),
        ("village.link = 1", True),
        ("self.link.state = 1", True),
        ("a, village.needs_snapshot = 1, True", True),
        ("village.sure_from += 1", True),
        ("del village.planned", True),
        ("village.gateways['gw'] = 1", True),
        ("self.gateways['gw'] = 1", False),
        ("self.tracks[key] = 1", False),
        ("for village.sure_from in range(3): pass", True),
    ],
)
def test_what_counts_as_assigned_from_outside(source: str, is_foreign: bool) -> None:
    assert bool(foreign(source)) is is_foreign
