"""Covers (gates, shutters, doors with a motor) whose movement and position come in messages apart.

A cover that moves says nothing. A position that comes meanwhile is kept until the cover has arrived, as families
publish position and movement in either order.
"""

from dataclasses import dataclass

from gateway.adapters.interface import Installed

__all__ = ["Cover"]


@dataclass(slots=True)
class Cover:
    """What is known of one cover of a device. `word` is `open` or `closed` where the family says it."""

    moving: bool = False
    word: str | None = None
    position: object = None

    @classmethod
    def of(cls, installed: Installed, name: str) -> "Cover":
        """The cover of that name, as the device's memory has it."""
        cover = installed.memory.get(f"cover {name}")
        if not isinstance(cover, cls):
            cover = installed.memory[f"cover {name}"] = cls()
        return cover

    def moves(self) -> None:
        """It has begun to move, or goes on: where it stood is history."""
        if not self.moving:
            self.moving, self.word, self.position = True, None, None

    def arrives(self, word: str | None = None) -> None:
        """It stands still, open or closed where a word says so."""
        self.moving, self.word = False, word

    @property
    def stands(self) -> object:
        """Where it stands: the word, else the position; `None` while it moves, or where nothing is known."""
        if self.moving:
            return None
        return self.word if self.word is not None else self.position
