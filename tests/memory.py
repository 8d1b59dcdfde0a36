"""Where tests keep their files: in memory if there is room.

What tests prove of durability is that it outlives a process, by kill -9, and the page cache does that on a disk and in
memory alike. A disk only adds the seconds of thousands of fsyncs.
"""

import os
import re
import shutil
import tempfile
from pathlib import Path

__all__ = ["MEMORY", "keep_files_in_memory"]

MEMORY = Path("/dev/shm")
"""Linux's file system in memory."""
ENOUGH = 8 * 1024**3
"""Bytes that have to be free, both there and of the machine's memory. All tests together took 4 GB at most."""


def keep_files_in_memory() -> None:
    """Let temporary files of this process, and of those it starts, be in memory, unless `TMPDIR` says where."""
    if "TMPDIR" not in os.environ and _has_room():
        os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)


def _has_room() -> bool:
    if not os.access(MEMORY, os.W_OK):
        return False
    available = re.search(r"^MemAvailable: +(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
    memory = int(available[1]) * 1024 if available else 0
    return min(shutil.disk_usage(MEMORY).free, memory) >= ENOUGH
