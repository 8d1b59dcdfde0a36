"""Containers are built and run by `make containers` only: it takes minutes, and needs root."""

import os

collect_ignore_glob = [] if os.environ.get("SIAGA_CONTAINERS") else ["test_*.py"]
