"""Names under which brokers know siaga's sessions."""

import secrets
from pathlib import Path

__all__ = ["session_name"]


def session_name(data_dir: Path, role: str) -> str:
    """The name of a session, kept in the data directory."""
    path = data_dir / f"{role}.session"
    if path.exists() and (kept := path.read_text(encoding="ascii").strip()):  # empty: a disk that was full
        return kept
    name = f"siaga-{role}-{secrets.token_hex(6)}"
    path.write_text(name, encoding="ascii")
    return name
