"""What people are told when a command fails, and its exit status.

Exit status: 0 done, 1 failed, 2 invalid input (usage, settings, mistakes in a file).
"""

import typer

__all__ = ["BAD_INPUT", "Mistake", "say", "sentence"]

BAD_INPUT = 2
"""Exit status when what was asked for cannot be right."""

# Known by name: importing them here would load every room before the first word is said.
_CANNOT = {"PortTaken", "EngineRuns", "UnknownSchema", "StoreUnavailable", "BufferUnavailable"}
"""Our own exceptions that say in a sentence why something cannot be done now."""


class Mistake(ValueError):
    """A command was called in a way that cannot be right. The message is a sentence for people."""


def say(text: str, status: int) -> int:
    """Print sentences on standard error, a line each. Returns the exit status that it was given."""
    for line in text.splitlines():
        typer.echo(f"siaga: {line}", err=True)
    return status


def sentence(problem: Exception) -> tuple[str, int]:
    """Returns what to tell people of a failure, and the exit status.

    Raises:
        Exception: the failure itself, if only a programmer can help.
    """
    names = {base.__name__ for base in type(problem).__mro__}
    if "DBAPIError" in names:
        reason = str(getattr(problem, "orig", problem)).splitlines()[0]
        return f"the database does not answer: {reason}: check SIAGA_DATABASE_URL", 1
    if isinstance(problem, ValueError):
        return str(problem), BAD_INPUT
    if isinstance(problem, OSError) and problem.filename is not None and problem.strerror is not None:
        return f"{problem.filename}: {problem.strerror.lower()}", 1
    if isinstance(problem, OSError) or names & _CANNOT:
        return str(problem), 1
    raise problem
