"""The gateway's copy of its village's part of the sites file, as the centre published it last.

It arrives retained on the gateway's own topic, where only the centre may publish. It is on disk before it is used, so a
restart without a link continues with it.
"""

from collections.abc import Callable
from pathlib import Path

import structlog

from siaga.model.sites import Village
from siaga.mqtt.transport import Message, Transport
from siaga.provision.whole_file import Keeper, write_whole
from siaga.sites.published import MAX_BYTES, PublishedSites, UnreadableSites, read_published
from siaga.sites.writing import village_part
from siaga.wire.topics import sites_topic

__all__ = ["SitesCopy"]

log = structlog.get_logger(__name__)

FILE = "sites.json"


class SitesCopy:
    """What a gateway on site serves: what it was given at its start, or what came from the centre later.

    Args:
        directory: where the copy is kept.
        given: what the gateway's own file says.
        refused: called for each message that cannot be used.
    """

    def __init__(self, directory: Path, given: PublishedSites, refused: Callable[[], object]) -> None:
        self._path, self._refused = directory / FILE, refused
        self._changed, self._is_kept = True, True
        self.problem: str | None = None
        """What is wrong with what the centre published last, in a sentence; `None` if nothing."""
        kept = self._kept()
        newer = kept is not None and kept.village.code == given.village.code and kept.made >= given.made
        self.village: Village = kept.village if kept is not None and newer else given.village

    def take_change(self) -> Village | None:
        """Returns the village if it changed since the last call; the first time, always."""
        changed, self._changed = self._changed, False
        return self.village if changed else None

    def follow(self, before: Village | None, transport: Transport) -> None:
        """Subscribe to the topic of the current village, instead of that of an earlier version of it."""
        topic = sites_topic(self.village.code, self.village.gateway)
        if before is not None and sites_topic(before.code, before.gateway) != topic:
            transport.unsubscribe(sites_topic(before.code, before.gateway))
        transport.subscribe(topic)

    def hear(self, message: Message) -> bool:
        """Take a message of the centre. Returns whether it was one with sites, so that nobody else needs it."""
        if message.topic != sites_topic(self.village.code, self.village.gateway):
            return False
        if not message.payload:  # the centre has nothing to say any more: what is known stays
            return True
        try:
            published = read_published(message.payload)
        except UnreadableSites as problem:
            self._refuse(str(problem))
            return True
        if published.village.code == self.village.code:
            self._adopt(published.village, message.payload)
        else:
            self._refuse(f"they are of {published.village.code}, another village")
        return True

    def _adopt(self, village: Village, payload: bytes) -> None:
        self.problem = None
        differs = village_part(village) != village_part(self.village)
        if differs or not self._is_kept:
            self._keep(payload)
        if differs:
            self.village, self._changed = village, True

    def _refuse(self, reason: str) -> None:
        sentence = f"the sites that the centre published cannot be used: {reason}"
        if sentence != self.problem:
            log.warning("sites_refused", reason=sentence)
        self.problem = sentence
        self._refused()

    def _keep(self, payload: bytes) -> None:
        try:
            write_whole(self._path, payload, Keeper.of(self._path))
            self._is_kept = True
        except OSError as problem:  # it is used all the same, and kept when it arrives again, at the next connection
            self._is_kept = False
            log.warning("sites_not_kept", file=str(self._path), error=problem.strerror)

    def _kept(self) -> PublishedSites | None:
        try:
            with self._path.open("rb") as file:
                return read_published(file.read(MAX_BYTES + 1))
        except FileNotFoundError:
            return None
        except (OSError, UnreadableSites) as problem:
            log.warning("kept_sites_not_read", file=str(self._path), reason=str(problem))
            return None
