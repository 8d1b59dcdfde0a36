"""Python's garbage collector: while a process loads, and in one that runs for months."""

import gc

__all__ = ["keep_what_is_loaded", "let_go", "look_seldom"]

USUAL = gc.get_threshold()
SELDOM = (10_000, 50, 100)
"""New objects until the youngest are looked at, and how often until the older are. A command does not make enough for a
full collection."""


def look_seldom() -> None:
    """Look for garbage seldom while a process loads: there is none, and looking takes a quarter of that time."""
    gc.set_threshold(*SELDOM)


def keep_what_is_loaded() -> None:
    """Take what is loaded by now out of all further collections, which are as frequent as usual from now on.

    A full collection looks at everything that lives, which is mostly modules: 136 ms with the pages loaded, in the
    middle of one request in twenty (`bench/pages.py`).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*USUAL)


def let_go() -> None:
    """Let the end of the process free everything: native libraries complain of what was kept."""
    gc.unfreeze()
