"""Changes of single villages by forms: read by the reader of sites files, so that a form and a file mean the same."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from api.http.problems import not_found
from api.http.services import Services
from api.web.looker import Looker
from api.web.setup.limits import admin_of
from api.words.said import said
from siaga.database.registry import ChangedMeanwhile
from siaga.model.scope import Scope
from siaga.model.sites import Village
from siaga.sites.addresses import clashes
from siaga.sites.file import SitesDocument, SitesFileError, read_sites
from siaga.sites.mistakes import Mistake
from siaga.sites.writing import village_tree, write_tree

__all__ = [
    "TRIAL",
    "Entries",
    "Tree",
    "Unsaved",
    "beside",
    "check_beside",
    "check_sure",
    "copied",
    "entries_of",
    "home_of",
    "is_tried",
    "save",
    "sentence",
]

TRIAL = "10s"
"""The grace and the recovery of a facility with which somebody tries the way from a device to a phone."""
Tree = dict[str, object]
"""Keys and values of an entry in a sites file."""


class Unsaved(Exception):
    """A form that was not saved. `problems`: why, sentences; `status`: of the answer."""

    def __init__(self, problems: Sequence[str], status: int = 422) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems
        self.status = status


@dataclass(frozen=True, slots=True)
class Entries:
    """A village's entry as keys and values, to be changed. `seen`: the fingerprint that the form was made of."""

    code: str
    village: Tree
    before: Village | None
    seen: str

    @property
    def facilities(self) -> list[Tree]:
        """The entries of its facilities."""
        found = self.village.setdefault("facilities", [])
        assert isinstance(found, list)  # noqa: S101 - as `village_tree` makes it
        return found

    def facility(self, name: str) -> Tree | None:
        """Returns the entry of a facility."""
        return next((one for one in self.facilities if one["id"] == name), None)

    def devices(self, facility: Tree) -> list[Tree]:
        """Returns the entries of a facility's devices."""
        found = facility.setdefault("devices", [])
        assert isinstance(found, list)  # noqa: S101 - as above
        return found

    def device(self, name: str) -> tuple[Tree, Tree] | None:
        """Returns the entry of a device, after that of its facility."""
        for facility in self.facilities:
            for device in self.devices(facility):
                if device["id"] == name:
                    return facility, device
        return None


def home_of(services: Services, looker: Looker, code: str) -> Village:
    """Returns a village that the admin manages.

    Raises:
        Refused: 404, there is none of that code, or it is beside the admin's scopes.
    """
    found = services.registry.village(code) if admin_of(looker).scopes.holds(code) else None
    if found is None:
        raise not_found("village", code)
    return found


def entries_of(village: Village, seen: str) -> Entries:
    """Returns the entry of a village, to be changed by a form that was made when its fingerprint was `seen`."""
    return Entries(village.code, village_tree(village), village, seen)


def save(services: Services, looker: Looker, entries: Entries, labels: Mapping[str, str]) -> Village:
    """Write a village's changed entry into the registry; the village as it is now.

    Args:
        labels: what fields are called, by the key of the sites file.

    Raises:
        Unsaved: the entry has mistakes, or is no longer the one that the form was made of.
    """
    village = _read(looker, entries, labels)
    check_beside(services, looker, SitesDocument([village], {}))
    seen = {village.code: entries.seen or None}
    try:
        services.registry.replace([village], services.clock.now(), seen=seen)
    except ChangedMeanwhile:
        words, code = looker.words, village.code
        said = words("site_changed_meanwhile", village=code) if entries.seen else words("site_exists", village=code)
        raise Unsaved([said], 409) from None
    return village


def is_tried(facility: Tree) -> bool:
    """Whether a facility has the times of a trial."""
    return facility.get("grace") == facility.get("recovery") == TRIAL


def copied(facility: Tree) -> Tree:
    """Returns a facility's entry for another one like it: without devices and trial, judged from its first reading."""
    left_out = {"devices", "since", *(("grace", "recovery") if is_tried(facility) else ())}
    return {key: value for key, value in facility.items() if key not in left_out} | {"devices": []}


def check_beside(services: Services, looker: Looker, document: SitesDocument) -> None:
    """Check what a document would write beside what is there.

    Raises:
        Unsaved: something of it is not the admin's to write, or an address is taken.
    """
    if problems := list(beside(services, looker, document)):
        raise Unsaved(problems)


def beside(services: Services, looker: Looker, document: SitesDocument) -> Iterator[str]:
    """Yields a sentence for each thing that is not the admin's to write, and for each address that is taken.

    Names of regions are their own. Names of holidays are shared by all villages: who does not manage them all changes
    none.
    """
    words, scopes = looker.words, admin_of(looker).scopes
    for village in document.villages:
        if not scopes.holds(village.code):
            yield words("scope_outside", scope=village.code)
    known = services.registry.regions()
    for code, name in document.regions.items():
        if known.get(code) != name and not scopes.covers(Scope(code)):
            yield words("scope_outside", scope=code)
    named = services.registry.holidays()
    for day, name in document.holidays.items():
        if named.get(day, name) != name and not scopes.everything:
            yield words("sites_holiday_named", date=day.isoformat(), name=named[day])
    for (village, device), (place, other) in clashes(document.villages, services.registry.behind_own_gateway()):
        yield words(
            "site_address_taken" if scopes.holds(place.code) else "site_address_taken_elsewhere",
            device=f"{village.code}/{device.id}",
            address=str(device.address),
            other=f"{place.code}/{other.id}",
        )


def check_sure(looker: Looker, *, sure: bool) -> None:
    """Check that somebody has ticked that an entry is to be taken out.

    Raises:
        Unsaved: they have not.
    """
    if not sure:
        raise Unsaved([looker.words("site_remove_sure")])


def sentence(looker: Looker, mistake: Mistake, label: str) -> str:
    """Returns a mistake in the language of who made it."""
    words = looker.words
    value = "" if mistake.value is None else f"{said(words, mistake.value)} "
    return f"{label}: {value}{said(words, mistake.message)}" if label else f"{value}{said(words, mistake.message)}"


def _read(looker: Looker, entries: Entries, labels: Mapping[str, str]) -> Village:
    try:
        (village,) = read_sites(write_tree({"villages": [entries.village]}), "form")
    except SitesFileError as error:
        named = [(labels.get(mistake.key, mistake.key), mistake) for mistake in error.mistakes]
        raise Unsaved([sentence(looker, mistake, label) for label, mistake in named]) from None
    return replace(village, holidays=entries.before.holidays if entries.before is not None else frozenset())
