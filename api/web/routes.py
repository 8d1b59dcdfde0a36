"""The pages: a module each, with its routes."""

from collections.abc import Sequence

from fastapi import APIRouter

from api.web import account, preferences, public, sign_in, static_files, welcome
from api.web.setup import index, people, tokens

__all__ = ["PAGES"]

PAGES: Sequence[APIRouter] = (
    public.router,
    preferences.router,
    sign_in.router,
    welcome.router,
    account.router,
    index.router,
    people.router,
    tokens.router,
    static_files.router,
)
"""The routes of all pages."""
