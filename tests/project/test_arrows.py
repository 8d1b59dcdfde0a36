"""Who may import whom: the table of docs/architecture.md, and the domain modules kept free of I/O."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("siaga", "gateway", "collector", "api", "firmware_sim")
MAY_IMPORT = {
    "siaga": {"siaga"},
    "gateway": {"siaga", "gateway"},
    "collector": {"siaga", "collector"},
    "api": {"siaga", "api"},
    "firmware_sim": {"firmware_sim"},
}
COMPOSITION_ROOTS = {
    "siaga/cli.py",
    "siaga/gateway_commands.py",
    "siaga/verify_commands.py",
    "siaga/village_gateway.py",
    "siaga/notify_commands.py",
    "siaga/up.py",
    "siaga/demo.py",
    "siaga/services.py",
    "siaga/gateways.py",
}
"""Only they know every room."""
IMPURE = {
    "asyncio", "duckdb", "fastapi", "http", "logging", "os", "paho", "prometheus_client", "random",
    "selectors",
    "socket", "sqlalchemy", "sqlite3", "structlog", "subprocess", "tempfile", "threading", "time", "urllib3",
    "uvicorn",
}  # fmt: skip
"""What a pure module has no use for: it gets clock, chance, transport and disk from outside."""


def modules(room: str) -> Iterator[Path]:
    return (path for path in sorted((ROOT / room).rglob("*.py")) if "__pycache__" not in path.parts)


def imports(path: Path) -> set[str]:
    """The dotted names that a module imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide where an arrow leads"
            names.add(node.module or "")
    return names


def pure_modules() -> list[str]:
    """The modules that the table "pure" of docs/architecture.md names."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = text.partition("| pure (")[2].partition("\n\n")[0]
    return sorted({f"siaga/{name}" for name in re.findall(r"`(\w+\.py)`", table)})


@pytest.mark.parametrize("path", [p.relative_to(ROOT).as_posix() for room in ROOMS for p in modules(room)])
def test_a_room_imports_only_what_the_table_allows(path: str) -> None:
    if path in COMPOSITION_ROOTS:
        return
    allowed = MAY_IMPORT[path.split("/", maxsplit=1)[0]]
    rooms = {name.split(".")[0] for name in imports(ROOT / path)} & set(ROOMS)
    assert rooms <= allowed, f"{path} reaches into {sorted(rooms - allowed)}"


@pytest.mark.parametrize("path", pure_modules())
def test_a_pure_module_has_no_io_no_clock_and_no_chance_of_its_own(path: str) -> None:
    if path == "siaga/clock.py":  # the one place where the machine's clock is read
        return
    found = {name for name in imports(ROOT / path) if name.split(".")[0] in IMPURE}
    assert not found, f"{path} imports {sorted(found)}"


def test_the_table_names_modules_that_exist() -> None:
    assert len(pure_modules()) >= 14
    assert [path for path in pure_modules() if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_import_each_other_s_inside_only_through_siaga(room: str) -> None:
    """Names with an underscore stay in their own module's package."""
    for path in modules(room):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                private = [alias.name for alias in node.names if alias.name.startswith("_")]
                assert not private, f"{path.relative_to(ROOT)} takes {private} from {node.module}"
