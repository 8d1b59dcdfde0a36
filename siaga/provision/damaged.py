"""A file that cannot be what it should be."""

__all__ = ["DamagedFile"]


class DamagedFile(ValueError):
    """A file is not what siaga writes. The message is a sentence that names the file, and holds no secret."""
