"""Finds which Observations are parts of a questionnaire's panel."""

from collections.abc import Iterable

from services.intake.exchange.answers import questionnaire_codes
from services.intake.exchange.codes import PANELS, TOTALS
from services.intake.exchange.document import Entry, References, references_of
from services.intake.exchange.json_values import Unreadable

# PHQ-9 with its total and difficulty has 11; the limit keeps a document of chained panels from costing minutes.
MOST_MEMBERS = 50


class Panels:
    """The questionnaire panels of a document with their members, however deep these are nested."""

    def __init__(self, entries: Iterable[Entry], references: References) -> None:
        self._references = references
        self._owners: dict[int, Entry] = {}
        self._direct: dict[int, tuple[tuple[Entry, ...], Unreadable | None]] = {}
        panels = [(codes, entry) for entry in entries if (codes := _codes_of_panel(entry))]
        # Panels before totals, so that a total that also lists the items becomes a member of its panel.
        for _, panel in sorted(panels, key=lambda found: not found[0] & PANELS.keys()):
            if panel.number not in self._owners:
                self._claim(panel)

    def owner_of(self, entry: Entry) -> Entry | None:
        """Return the panel that the Observation is a part of, None where it stands by itself."""
        return self._owners.get(entry.number)

    def members_of(self, panel: Entry) -> tuple[Entry, ...]:
        """Return the Observations below the panel; Unreadable if one is not in the document or there are too many."""
        members, complaint = self._walk(panel)
        if complaint is not None:
            raise complaint
        return members

    def _claim(self, panel: Entry) -> None:
        """Make everything below the panel its own; a complaint about that becomes the panel's verdict later."""
        members, _ = self._walk(panel)
        for member in members:
            self._owners[member.number] = panel

    def _walk(self, panel: Entry) -> tuple[tuple[Entry, ...], Unreadable | None]:
        found: dict[int, Entry] = {}
        complaint = None
        waiting = [panel]
        while waiting and len(found) <= MOST_MEMBERS:
            members, unreadable = self._direct_members(waiting.pop())
            complaint = complaint or unreadable
            new = {member.number: member for member in members if member.number not in found}
            new.pop(panel.number, None)
            found.update(new)
            waiting.extend(new.values())
        if len(found) > MOST_MEMBERS:
            return (), Unreadable(f"The panel has more than {MOST_MEMBERS} members. Send a panel per questionnaire.")
        return tuple(found.values()), complaint

    def _direct_members(self, entry: Entry) -> tuple[tuple[Entry, ...], Unreadable | None]:
        """The Observations that an entry names, and the complaint about others; worked out once."""
        if entry.number not in self._direct:
            self._direct[entry.number] = self._resolve_members(entry)
        return self._direct[entry.number]

    def _resolve_members(self, entry: Entry) -> tuple[tuple[Entry, ...], Unreadable | None]:
        try:
            references = references_of(entry.resource or {}, "hasMember")
        except Unreadable as unreadable:
            return (), unreadable
        if len(references) > MOST_MEMBERS:
            return (), Unreadable(f"It names more than {MOST_MEMBERS} members. Send a panel per questionnaire.")
        found = [self._references.find(reference, entry) for reference in references]
        members = tuple(member for member in found if member is not None and member.resource_type == "Observation")
        if None in found:
            return members, Unreadable("A member of the panel is not in this document. Send the panel and its members.")
        return members, None


def _codes_of_panel(entry: Entry) -> frozenset[str]:
    """The panel and total codes of an Observation with members; what is unreadable gets its verdict when it is read."""
    if entry.resource is None or entry.resource_type != "Observation" or not entry.resource.get("hasMember"):
        return frozenset()
    try:
        return questionnaire_codes(entry.resource) & (PANELS.keys() | TOTALS.keys())
    except Unreadable:
        return frozenset()
