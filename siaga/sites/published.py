"""What the centre publishes to a gateway: its village's part of the sites file, with the time at which it was made.

`{"made": 1795982439, "sites": {"villages": [{…}]}}`: `sites` has the keys of the sites file, `made` is Unix seconds.
"""

from dataclasses import dataclass

import orjson

from siaga.model.sites import Village
from siaga.sites.file import SitesFileError, read_document
from siaga.sites.writing import village_part

__all__ = ["PublishedSites", "UnreadableSites", "read_published", "write_published"]

MAX_BYTES = 1 << 20
"""Bytes of such a message at most; a village of 1,000 devices has 150 kB."""


class UnreadableSites(ValueError):
    """A message is not the part of a village in a sites file. The text is a sentence."""


@dataclass(frozen=True, slots=True)
class PublishedSites:
    """One village as the centre knew it. `made`: when this was written, Unix seconds."""

    village: Village
    made: int


def write_published(village: Village, made: int) -> bytes:
    """Returns the message for a village."""
    return orjson.dumps({"made": made, "sites": village_part(village)})


def read_published(payload: bytes) -> PublishedSites:
    """Returns what a message says.

    Raises:
        UnreadableSites: it is not such a message, or a newer siaga's that this one does not understand.
    """
    if len(payload) > MAX_BYTES:
        raise UnreadableSites(f"it has {len(payload)} bytes, and {MAX_BYTES} are allowed")
    try:
        content = orjson.loads(payload)
        made, sites = content["made"], content["sites"]
    except (orjson.JSONDecodeError, TypeError, KeyError):
        raise UnreadableSites("it is not a JSON object with made and sites") from None
    if not isinstance(made, int) or isinstance(made, bool) or not isinstance(sites, dict):
        raise UnreadableSites("made is not a time, or sites not a sites file")
    try:
        villages = read_document(orjson.dumps(sites).decode(), "the sites from the centre").villages
    except SitesFileError as mistakes:
        raise UnreadableSites(str(mistakes.mistakes[0])) from None
    if len(villages) != 1:
        raise UnreadableSites(f"it has {len(villages)} villages, and a gateway serves one")
    return PublishedSites(villages[0], made)
