"""The timeline as it is read: facts with their titles and stories, by day, each with its cause."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import Any

from services.portal.pages import words
from services.portal.pages.moments import Place, instant
from services.portal.pages.people import People
from services.portal.pages.stories import story_of
from services.portal.pages.titles import URGENT, icon_of, name_of, title_of

Row = Mapping[str, Any]

NOTED_LATER = timedelta(minutes=1)
FEW_IMPORTS = 3


@dataclass(frozen=True)
class Fact:
    """One recorded fact, in words. `cause` is the fact that led to it: where it stands on the page, and its title."""

    anchor: str
    title: str
    icon: str
    urgent: bool
    imported: bool
    service: str
    story: str
    reason: str
    who: str
    time: str
    recorded_at: str
    happened: str
    cause: tuple[str, str] | None
    details: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Day:
    """The facts recorded in one day; many imported ones are put away under `imported`."""

    name: str
    facts: Sequence[Fact]
    imported: Sequence[Fact]


def days(rows: Sequence[Row], known: Sequence[Row], place: Place, people: People, *, newest_first: bool) -> list[Day]:
    """Put the rows of a timeline, which come in the order recorded, into days; `known` are all that a cause may be."""
    shown = {row["event_id"] for row in rows}
    titles = {row["event_id"]: title_of(name_of(row["type"])) for row in known}
    causes = {id: (anchor_of(id) if id in shown else "", title) for id, title in titles.items()}
    facts = [(place.weekday(row["recorded_at"]), _fact(row, place, people, causes)) for row in rows]
    if newest_first:
        facts.reverse()
    return [_day(name, [fact for _, fact in group]) for name, group in groupby(facts, key=lambda pair: pair[0])]


def _day(name: str, facts: Sequence[Fact]) -> Day:
    imported = [fact for fact in facts if fact.imported]
    if len(imported) <= FEW_IMPORTS:
        return Day(name, facts, ())
    return Day(name, [fact for fact in facts if not fact.imported], imported)


def anchor_of(event_id: str) -> str:
    """Name the place of a fact on the page."""
    return f"fact-{event_id}"


def _fact(row: Row, place: Place, people: People, causes: Mapping[str, tuple[str, str]]) -> Fact:
    name, says = name_of(row["type"]), row["says"]
    story = story_of(name, _with_names(says, people), place)
    reason = row["reason"] or ""
    later = instant(row["recorded_at"]) - instant(row["occurred_at"]) >= NOTED_LATER
    return Fact(
        anchor=anchor_of(row["event_id"]),
        title=title_of(name),
        icon=icon_of(name),
        urgent=name in URGENT,
        imported=name.endswith("-imported"),
        service=words.words(words.SERVICES, row["service"]),
        story=story,
        reason="" if name in TOLD or reason == story else reason,
        who=people.actor(row["actor"]),
        time=place.time(row["recorded_at"]),
        recorded_at=row["recorded_at"],
        happened=place.both(row["occurred_at"]) if later else "",
        cause=causes.get(row["caused_by"]),
        details=[*_details(row, place)],
    )


TOLD = frozenset({"intake.screening-opened", "referral.declined"})
"""Facts whose reason is a code that the story says in words already."""


def _with_names(says: Row, people: People) -> Row:
    """Say who somebody is where a fact names their id alone."""
    if "member_id" not in says:
        return says
    return {**says, "member_id": people.with_role(says["member_id"], says.get("role"))}


def _details(row: Row, place: Place) -> Iterator[tuple[str, str]]:
    """Everything that was recorded, for the reader who wants it all."""
    yield "Meaning", row["meaning"]
    yield "Happened", place.exact(row["occurred_at"])
    yield "Recorded", place.exact(row["recorded_at"])
    yield "By", " ".join(filter(None, (row["actor"]["id"], f"({row['actor']['role']})")))
    if row["actor"]["on_behalf_of"]:
        yield "On behalf of", row["actor"]["on_behalf_of"]
    yield "Event", f"{row['event_id']}, {row['type']}"
    yield "Place in the log", f"{row['service']} {row['position']}"
    yield "Caused by", row["caused_by"]
    yield "Conversation", row["correlation_id"]
    for name, value in row["says"].items():
        yield words.capital(words.words(words.FIELDS, name)), plain(value)


def plain(value: Any) -> str:
    """Write a recorded value out in full, whatever its shape."""
    if value is None:
        return "not known"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return "; ".join(f"{words.words(words.FIELDS, name)}: {plain(each)}" for name, each in value.items())
    if isinstance(value, list):
        return " | ".join(plain(each) for each in value) or "none"
    return str(value)
