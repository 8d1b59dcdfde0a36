"""Each command's help: it comes without loading what the command needs, so it comes at once."""

import subprocess
import sys

HEAVY = {
    "api",
    "collector",
    "duckdb",
    "fastapi",
    "firmware_sim",
    "paho",
    "pydantic_settings",
    "sqlalchemy",
    "structlog",
}
PROGRAM = """
import sys
from collections.abc import Iterator
from contextlib import suppress

import typer.main

from siaga.run.cli.main import app


def commands(command: object, path: list[str]) -> Iterator[list[str]]:
    yield path
    for name, below in getattr(command, "commands", {}).items():
        yield from commands(below, [*path, name])


for path in commands(typer.main.get_command(app), []):
    with suppress(SystemExit):
        app([*path, "--help"], standalone_mode=False)
    print("COMMAND", *path)
print("LOADED", *sorted(sys.modules))
"""


def test_no_help_loads_what_its_command_needs() -> None:
    shown = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True).stdout
    commands = {line.removeprefix("COMMAND ") for line in shown.splitlines() if line.startswith("COMMAND ")}
    assert {"up", "gateway check", "token create", "notify dead", "verify", "import"} <= commands
    assert shown.count("Usage: ") == len(commands) + 1, "each said what it is"
    (loaded,) = [line.split()[1:] for line in shown.splitlines() if line.startswith("LOADED ")]
    assert "typer" in loaded
    assert not set(loaded) & HEAVY
