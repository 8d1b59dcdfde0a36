"""Covers (gates, shutters, motor doors) that publish their movement and their position in separate messages.

A moving cover gives no value. A position that arrives meanwhile is kept until the cover has stopped, because families
publish position and movement in either order.
"""

from dataclasses import dataclass

from gateway.adapters.interface import Installed

__all__ = ["Cover"]


@dataclass(slots=True)
class Cover:
    """The state of one cover of a device. `word`: `open` or `closed`, if the family reports it."""

    moving: bool = False
    word: str | None = None
    position: object = None

    @classmethod
    def of(cls, installed: Installed, name: str) -> "Cover":
        """Returns the cover of that name from the device's memory. It is created if necessary."""
        cover = installed.memory.get(f"cover {name}")
        if not isinstance(cover, cls):
            cover = installed.memory[f"cover {name}"] = cls()
        return cover

    def moves(self) -> None:
        """Note that it moves: its earlier position no longer holds."""
        if not self.moving:
            self.moving, self.word, self.position = True, None, None

    def arrives(self, word: str | None = None) -> None:
        """Note that it has stopped. `word`: `open` or `closed`, if the message says so."""
        self.moving, self.word = False, word

    @property
    def stands(self) -> object:
        """Where it stands: the word, else the position; `None` if it moves, or if neither is known."""
        if self.moving:
            return None
        return self.word if self.word is not None else self.position
