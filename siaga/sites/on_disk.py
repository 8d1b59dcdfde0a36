"""Reads a sites file, and other files that people write, from disk. `siaga.sites.file` reads a sites file's content."""

import os
from pathlib import Path

from siaga.sites.file import SitesDocument, read_document

__all__ = ["read_sites_file", "read_text"]


def read_text(path: Path) -> str:
    """Returns the text of a file.

    Raises:
        ValueError: it cannot be read; one sentence that names the file.
    """
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ValueError(f"{path}: is not a text in UTF-8") from None
    except PermissionError:
        raise ValueError(
            f"{path}: cannot be read: permission denied: user {os.geteuid()}, as which siaga runs, may not read it"
        ) from None
    except OSError as problem:
        raise ValueError(f"{path}: cannot be read: {problem.strerror}") from None


def read_sites_file(path: Path) -> SitesDocument:
    """Returns the content of a sites file.

    Raises:
        SitesFileError: it has mistakes. The error has all of them.
        ValueError: it cannot be read.
    """
    return read_document(read_text(path), str(path))
