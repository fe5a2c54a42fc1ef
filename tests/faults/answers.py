"""I1, I2, I10, I11: what clients were told, held against what the logs hold; knows JSON only."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from tests.faults.consequences import facts_of, named

Entry = dict[str, Any]
Fact = dict[str, Any]
Seen = dict[str, Any]

MARK = re.compile(r"load-\d+-\d+[a-z-]+\.")


def each_accepted_command_is_recorded_once(history: Sequence[Entry], seen: Seen) -> Iterator[str]:
    """I1: its events, all of them, once; a repeat gets the first answer."""
    facts = {fact["id"]: fact for fact in facts_of(seen)}
    together = _recorded_together(seen)
    places = _places_of_marks(seen)
    for entry in _accepted(history):
        first = facts.get(f"{entry['aggregate']}-{entry['version']}")
        if first is None:
            yield f"lost: {_told(entry)} was accepted as {entry['aggregate']}-{entry['version']}"
            continue
        types = sorted(fact["type"] for fact in together[_request(first)])
        if types != sorted(entry["records"]):
            yield f"{_told(entry)} recorded {types} at {first['id']}"
        if entry["mark"] and len(places[entry["mark"]]) != 1:
            yield f"{_told(entry)} was accepted once and recorded at {sorted(places[entry['mark']])}"
    yield from _repeats(history)


def _repeats(history: Sequence[Entry]) -> Iterator[str]:
    first: dict[str, Entry] = {}
    for entry in history:
        if not entry.get("records"):
            continue
        before = first.setdefault(entry["key"], entry)
        if entry["outcome"] == "fail" and before is not entry:
            yield f"a repeat was refused: {_told(entry)} {entry.get('status')} {entry.get('said', '')}"
        if entry["outcome"] == before["outcome"] == "ok" and _place(before) != _place(entry):
            yield f"a repeat got another answer: {_told(entry)} {_place(before)}, then {_place(entry)}"
        if entry["outcome"] == "ok":
            first[entry["key"]] = entry


def nothing_is_recorded_that_nobody_asked_for(history: Sequence[Entry], seen: Seen) -> Iterator[str]:
    """I2: every event was accepted from somebody or follows from another; what was refused left nothing."""
    facts = {fact["id"]: fact for fact in facts_of(seen)}
    told = (facts.get("{}-{}".format(*_place(entry))) for entry in _accepted(history))
    accepted = {_request(fact) for fact in told if fact}
    marks = {entry["mark"] for entry in _accepted(history) if entry["mark"]}
    for fact in facts.values():
        if fact["position"] <= seen["since"][fact["service"]]:
            continue
        if fact["body"].get("hops", 0) > 0:
            if fact["body"]["causation_id"] not in facts:
                yield f"{named(fact)} follows from {fact['body']['causation_id']}, which nobody recorded"
        elif _request(fact) not in accepted and not marks & _marks(fact):
            yield f"{named(fact)} was accepted from nobody"


def only_expected_answers_are_given(history: Sequence[Entry], seen: Seen) -> Iterator[str]:
    """I10: 2xx, 4xx and 503, each 503 with Retry-After; commands that are in order are not refused."""
    repeated = {entry["key"] for entry in history if entry.get("records") and entry["outcome"] == "info"}
    for entry in history:
        status = entry.get("status", 0)
        if status >= 500 and (status != 503 or not entry["retry_after"]):
            yield f"answered {status}: {_told(entry)}"
        refused = entry["outcome"] == "fail"
        if refused and entry.get("records") and entry["key"] not in repeated:
            yield f"refused with {status}: {_told(entry)} {entry.get('said', '')}"
        if refused and entry["command"] == "read":
            yield f"refused with {status}: {_told(entry)}"
        if not refused and status and status < 300 and entry["command"] == "nonsense":
            yield f"nonsense was accepted: {_told(entry)}"


def what_was_accepted_can_be_read(history: Sequence[Entry], seen: Seen) -> Iterator[str]:
    """I11: at the owner at once."""
    for entry in history:
        if entry["command"] == "read" and entry["outcome"] == "ok" and entry["version"] < entry["at_least"]:
            yield f"{entry['aggregate']} was read at version {entry['version']} after {entry['at_least']} was accepted"


def _accepted(history: Sequence[Entry]) -> list[Entry]:
    """Give each accepted command once."""
    found = {e["key"]: e for e in history if e.get("records") and e["outcome"] == "ok"}
    return list(found.values())


def _recorded_together(seen: Seen) -> dict[tuple[str, str], list[Fact]]:
    found: dict[tuple[str, str], list[Fact]] = defaultdict(list)
    for fact in facts_of(seen):
        found[_request(fact)].append(fact)
    return found


def _request(fact: Fact) -> tuple[str, str]:
    return fact["service"], fact["body"]["causation_id"]


def _places_of_marks(seen: Seen) -> dict[str, set[str]]:
    """Find where each mark stands that a person wrote; reactions may repeat it."""
    places: dict[str, set[str]] = defaultdict(set)
    for fact in facts_of(seen):
        if fact["body"].get("hops", 0) == 0:
            for mark in _marks(fact):
                places[mark].add(fact["id"])
    return places


def _marks(fact: Fact) -> set[str]:
    return set(MARK.findall(fact["text"]))


def _place(entry: Entry) -> tuple[str, int]:
    return entry["aggregate"], entry["version"]


def _told(entry: Entry) -> str:
    return f"{entry['command']} {entry.get('mark', '')} (key {entry.get('key', '-')})"
