"""Who may import whom: the table of docs/architecture.md, and the domain modules kept free of I/O."""

import ast
from collections.abc import Iterator
from functools import cache
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
COMPOSITION = "siaga/run/"
"""Only it knows every room, and no room imports it."""
PURE = ("model", "timeline", "wire")
WINGS = (
    {"model"},
    {"timeline", "wire"},
    {"sites"},
    {"mqtt", "telemetry", "database", "verify"},
    # the broker is made of topic filters and messages of `mqtt`, which knows no broker; a gateway's file names one
    {"broker", "provision"},
    {"run"},
)
"""A wing imports itself and the wings of earlier sets, so no import runs back up."""
IMPURE = {
    "asyncio", "duckdb", "fastapi", "http", "logging", "os", "paho", "prometheus_client", "random",
    "selectors",
    "socket", "sqlalchemy", "sqlite3", "structlog", "subprocess", "tempfile", "threading", "time", "urllib3",
    "uvicorn",
}  # fmt: skip
"""What a pure module has no use for: it gets clock, chance, transport and disk from outside."""


def modules(room: str) -> Iterator[Path]:
    return (path for path in sorted((ROOT / room).rglob("*.py")) if "__pycache__" not in path.parts)


@cache
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


def every_path() -> list[str]:
    return [path.relative_to(ROOT).as_posix() for room in ROOMS for path in modules(room)]


def wing_of(path: str) -> str:
    return path.split("/")[1]


@pytest.mark.parametrize("path", [path for path in every_path() if not path.startswith(COMPOSITION)])
def test_a_room_imports_only_what_the_table_allows(path: str) -> None:
    allowed = MAY_IMPORT[path.split("/", maxsplit=1)[0]]
    names = imports(ROOT / path)
    rooms = {name.split(".")[0] for name in names} & set(ROOMS)
    assert rooms <= allowed, f"{path} reaches into {sorted(rooms - allowed)}"
    assert not [name for name in names if f"{name}.".startswith("siaga.run.")], f"{path} imports the composition"


ALERTS, ENGINE = "api/alerts/", "api/engine/"
"""What makes an alert, and what runs it."""
SHELL = ("siaga.broker", "siaga.database", "siaga.mqtt", "siaga.provision", "siaga.telemetry", "siaga.verify")


@pytest.mark.parametrize("path", [path for path in every_path() if not path.startswith((COMPOSITION, ALERTS, ENGINE))])
def test_only_the_composition_imports_the_alert_engine(path: str) -> None:
    """The others read what it wrote: tables, by `siaga.database` and `api.alert_records`."""
    assert not [name for name in imports(ROOT / path) if f"{name}.".startswith(("api.alerts.", "api.engine."))]


@pytest.mark.parametrize("path", [path for path in every_path() if path.startswith(ALERTS)])
def test_what_makes_an_alert_has_no_io_no_clock_and_no_chance_of_its_own(path: str) -> None:
    """Of the other rooms it knows the alert as the engine opens it, which is as pure."""
    names = imports(ROOT / path)
    assert not {name for name in names if name.split(".")[0] in IMPURE or name.startswith((*SHELL, "siaga.metrics"))}
    assert {name for name in names if name.startswith("api.") and not name.startswith("api.alerts.")} <= {RECORD}


RECORD = "api.alert_records.alert"


def test_the_alert_that_the_engine_opens_is_pure() -> None:
    names = imports(ROOT / f"{RECORD.replace('.', '/')}.py")
    assert {name for name in names if name.startswith(("siaga.", "api."))} == {"siaga.model.alert_kinds"}


@pytest.mark.parametrize("path", [path for path in every_path() if path.startswith("siaga/") and path.count("/") > 1])
def test_no_import_between_wings_runs_back_up(path: str) -> None:
    wing = wing_of(path)
    (level,) = [n for n, wings in enumerate(WINGS) if wing in wings]
    allowed = {wing, *(name for wings in WINGS[:level] for name in wings)}
    imported = {name.split(".")[1] for name in imports(ROOT / path) if name.startswith("siaga.")} - {"metrics"}
    assert imported <= allowed, f"{path} reaches into {sorted(imported - allowed)}"


@pytest.mark.parametrize("path", [path for path in every_path() if path.startswith("siaga/") and wing_of(path) in PURE])
def test_a_pure_module_has_no_io_no_clock_and_no_chance_of_its_own(path: str) -> None:
    if path == "siaga/model/clock.py":  # the one place where the machine's clock is read
        return
    found = {name for name in imports(ROOT / path) if name.split(".")[0] in IMPURE}
    assert not found, f"{path} imports {sorted(found)}"


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_import_each_other_s_inside_only_through_siaga(room: str) -> None:
    """Names with an underscore stay in their own module's package."""
    for path in modules(room):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                private = [alias.name for alias in node.names if alias.name.startswith("_")]
                assert not private, f"{path.relative_to(ROOT)} takes {private} from {node.module}"
