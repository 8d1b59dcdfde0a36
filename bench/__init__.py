"""Measurements, each beside its limit in the same run: `python -m bench [NAME…]`.

A measurement is a module here with `run() -> list[Figure]`; the harness finds it by its `run`.
"""
