"""The pages: a module each, with its routes."""

from collections.abc import Sequence

from fastapi import APIRouter

from api.web import preferences, public, static_files

__all__ = ["PAGES"]

PAGES: Sequence[APIRouter] = (
    public.router,
    preferences.router,
    static_files.router,
)
"""The routes of all pages."""
