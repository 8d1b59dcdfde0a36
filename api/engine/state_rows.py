"""What a successor needs besides snapshots: a row for each village and gateway, and what the engine has done so far."""

from collections.abc import Iterable, Mapping, Sequence

from api.alerts.certainty import Moment
from api.alerts.outcome import Fold
from api.alerts.village import WatchedVillage
from api.engine.tables import Tables
from siaga.database.dealing import HEARD, MAINTENANCE, Heard, taken_over
from siaga.model.clock import SECOND

__all__ = ["StateRows"]

SAVE_EVERY = 10 * SECOND
"""The most that a successor has to judge again, besides `OVERLAP`."""


class StateRows:
    """Saves rows. Its methods may raise `DBAPIError`: the database is away.

    `save_at`: when (monotonic) rows are due. `applied`: the declarations of maintenance that history is judged by;
    `None`: no engine has judged any.
    """

    def __init__(self, tables: Tables, villages: Mapping[str, WatchedVillage]) -> None:
        self._tables, self._villages = tables, villages
        self._heard_key = f"{HEARD}/{tables.share.number}"
        self._maintenance_key = f"{MAINTENANCE}/{tables.share.number}"
        self.applied: Sequence[str] | None = None
        self._saved: Sequence[str] | None = None
        self._taken: set[str] = set()
        self.save_at = 0

    def read(self) -> Heard | None:
        """Returns what the engine before had taken. `applied` is as that one left it."""
        values = self._tables.values([self._heard_key, self._maintenance_key])
        heard, applied = values.get(self._heard_key), values.get(self._maintenance_key)
        self._taken.clear()
        self.applied = self._saved = [str(one) for one in applied] if isinstance(applied, list) else None
        return None if heard is None else Heard.model_validate(heard)

    def apply(self, maintenance: Iterable[str]) -> None:
        """History is judged by these declarations of maintenance from now on."""
        self.applied = list(maintenance)

    def take_over(self, village: str) -> None:
        """Another engine let a village go. What was published since is to be read, as its next snapshot says."""
        self._taken.add(village)

    def save_heard(self, heard: Heard) -> None:
        """Save at once that it is not known yet whether the broker kept the session."""
        self._tables.save_states((), (), {self._heard_key: heard.model_dump()}, {})

    def save_soon(self, monotonic: int) -> None:
        """Save rows at `monotonic`."""
        self.save_at = monotonic

    def save(self, moment: Moment, heard: Heard, folds: Mapping[str, Fold], *, everything: bool = False) -> None:
        """Write the rows of the villages that changed, and snapshots."""
        villages, gateways = [], []
        for village in self._villages.values():
            village.note_judged(moment)
            if village.changed or everything or village.recall.is_read:
                villages.append(village.row())
            if village.changed or everything:
                gateways += [gateway.row() for gateway in village.gateways.values()]
        values: dict[str, object] = {self._heard_key: heard.model_dump()}
        if self.applied != self._saved:
            values[self._maintenance_key] = self.applied
        self._tables.save_states(villages, gateways, values, folds)
        self._saved = self.applied
        for code, village in self._villages.items():
            village.saved(with_snapshot=code in folds)
        if done := self._taken.intersection(folds):
            with self._tables.writing() as connection:
                taken_over(connection, done)
            self._taken -= done
        self.save_soon(moment.monotonic + SAVE_EVERY)
