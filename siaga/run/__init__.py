"""Composition: the only wing that knows all rooms."""
