"""HTTP and pages hold no SQL: what they show comes from `api/queries`, what they change is written by the rooms."""

import ast
from pathlib import Path

import pytest

EDGES = sorted(path for folder in ("api/http", "api/web") for path in Path(folder).rglob("*.py"))
TYPES = {"Connection", "Engine", "RowMapping"}
"""What they may know of SQLAlchemy: that there is a database, and that it can fail."""


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


@pytest.mark.parametrize("path", EDGES, ids=str)
def test_the_edges_hold_no_sql(path: Path) -> None:
    allowed = {f"sqlalchemy.{name}" for name in TYPES}
    sql = {
        name
        for name in _imports(path)
        if (name.startswith("sqlalchemy") and not name.startswith("sqlalchemy.exc.") and name not in allowed)
        or name.startswith("siaga.database.tables")
        or name == "siaga.database.writing"
    }
    assert sql == set()
