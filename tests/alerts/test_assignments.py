"""No object of the engine is changed from all sides: only its own methods assign its fields."""

import ast
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

import api.alerts
from api.alerts.device import WatchedDevice
from api.alerts.facility import WatchedFacility
from api.alerts.gateway import WatchedGateway
from api.alerts.link import Link
from api.alerts.village import WatchedVillage

FILES = sorted(Path(api.alerts.__file__).parent.rglob("*.py"))
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


IMPURE = {"asyncio", "os", "random", "sqlalchemy", "structlog", "threading", "time", "prometheus_client"}
IMPURE_WINGS = ("siaga.database", "siaga.telemetry", "siaga.mqtt", "siaga.broker")


def imports(module: str) -> set[str]:
    """The modules that a module of the engine imports."""
    path = Path(api.alerts.__file__).parents[2] / f"{module.replace('.', '/')}.py"
    tree = ast.parse((path if path.exists() else path.with_suffix("") / "__init__.py").read_text("utf-8"))
    from_ = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return from_ | {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}


def test_a_village_reaches_no_io_no_clock_and_no_other_village() -> None:
    seen, left = set[str](), {"api.alerts.village"}
    while left:
        module = left.pop()
        seen.add(module)
        found = imports(module)
        wrong = {each for each in found if each.split(".")[0] in IMPURE or each.startswith(IMPURE_WINGS)}
        assert not wrong, f"{module} imports {wrong}"
        left |= {each for each in found if each.startswith("api.")} - seen
    assert {"api.alerts.kinds.device_silent", "api.alerts.taking"} <= seen
    assert not {f"api.alerts.{each}" for each in ("villages", "engine", "tables", "reader", "questions")} & seen
