"""A book that is replaced while it is in use, and the file of siaga's own that the pages write.

The file is in the data directory, for its owner alone: it holds secrets. Whoever keeps a notify file of their own names
it in `SIAGA_NOTIFY`; then the pages change nothing.
"""

import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import yaml

from api.notifications.book import Book, Person, Rule
from api.notifications.book_file import CheckUrl, read_book
from siaga.provision.whole_file import Keeper, write_whole
from siaga.sites.writing import write_tree

__all__ = ["BookDesk", "ChannelsOf", "FileChanged", "LiveBook", "Tree"]

Tree = dict[str, object]
"""Keys and values of a notify file."""


class FileChanged(Exception):
    """The file is no longer what the caller saw, so nothing was written."""


class LiveBook(Book):
    """A book that stands for another one, which can be replaced. Safe for several threads."""

    def __init__(self, book: Book) -> None:
        object.__setattr__(self, "_now", book)

    def become(self, book: Book) -> None:
        """Stand for another book from now on."""
        object.__setattr__(self, "_now", book)

    def current(self) -> Book:
        """Returns the book that it stands for now."""
        found: Book = object.__getattribute__(self, "_now")
        return found

    @property
    def people(self) -> Mapping[str, Person]:
        """As the book has them."""
        return self.current().people

    @property
    def groups(self) -> Mapping[str, tuple[str, ...]]:
        """As the book has them."""
        return self.current().groups

    @property
    def rules(self) -> tuple[Rule, ...]:
        """As the book has them."""
        return self.current().rules

    @property
    def link(self) -> str | None:
        """As the book has it."""
        return self.current().link

    @property
    def gather(self) -> int:
        """As the book has it."""
        return self.current().gather

    @property
    def spoken(self) -> Mapping[str, str]:
        """As the book has them."""
        return self.current().spoken

    @property
    def repeat_after(self) -> int:
        """As the book has it."""
        return self.current().repeat_after


class ChannelsOf(Mapping[str, Sequence[str]]):
    """By what channels a book reaches whom, by the person's name; as it is when it is asked."""

    def __init__(self, book: Book) -> None:
        self._book = book

    def __getitem__(self, name: str) -> Sequence[str]:
        return tuple(self._book.people[name].channels)

    def __iter__(self) -> Iterator[str]:
        return iter(self._book.people)

    def __len__(self) -> int:
        return len(self._book.people)


class BookDesk:
    """Writes the notify file of siaga's own, and lets the book become what it says.

    `check`: raises ValueError for an address that leads to no channel. `link`: where the pages are, if the file does
    not say so.
    """

    def __init__(self, path: Path, book: LiveBook, check: CheckUrl, link: str | None = None) -> None:
        self._path, self._book, self._check, self._link = path, book, check, link
        self._lock = threading.Lock()

    def read(self) -> tuple[Tree, str]:
        """Returns what the file holds, to be changed, and what tells it from others.

        Raises:
            OSError: it cannot be read.
        """
        text = self._path.read_text(encoding="utf-8") if self._path.exists() else ""
        found = yaml.safe_load(text) if text else None
        return found if isinstance(found, dict) else {"people": [], "rules": []}, _digest(text)

    def change(self, seen: str, change: Callable[[Tree], None]) -> None:
        """Change the file, all or nothing, and use it from now on.

        Args:
            seen: what `read` gave when the change was thought of.
            change: is given what the file holds.

        Raises:
            FileChanged: it is another one meanwhile.
            SitesFileError: with the change it has mistakes.
            OSError: it cannot be written.
        """
        with self._lock:
            tree, now = self.read()
            if now != seen:
                raise FileChanged
            change(tree)
            text = write_tree(tree)
            book = read_book(text, self._path.name, self._check)
            write_whole(self._path, text.encode(), replace(Keeper.of(self._path), mode=0o600))
            self._book.become(replace(book, link=book.link or self._link))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
