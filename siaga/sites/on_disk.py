"""Reads a sites file from disk. `siaga.sites.file` reads its content."""

from pathlib import Path

from siaga.sites.file import SitesDocument, read_document

__all__ = ["read_sites_file"]


def read_sites_file(path: Path) -> SitesDocument:
    """Returns the content of a sites file.

    Raises:
        SitesFileError: it has mistakes. The error has all of them.
        ValueError: it cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ValueError(f"{path}: is not a text in UTF-8") from None
    except OSError as problem:
        raise ValueError(f"{path}: cannot be read: {problem.strerror}") from None
    return read_document(text, str(path))
