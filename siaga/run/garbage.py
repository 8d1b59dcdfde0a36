"""Python's garbage collector in a process that runs for months."""

import gc

__all__ = ["keep_what_is_loaded", "let_go"]


def keep_what_is_loaded() -> None:
    """Take what is loaded by now out of all further collections.

    A full collection looks at everything that lives, which is mostly modules: 136 ms with the pages loaded, in the
    middle of one request in twenty (`bench/pages.py`).
    """
    gc.collect()
    gc.freeze()


def let_go() -> None:
    """Let the end of the process free everything: native libraries complain of what was kept."""
    gc.unfreeze()
