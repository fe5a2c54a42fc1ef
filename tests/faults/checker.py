"""Judges what clients were told by what stands in the log; knows HTTP and JSON, and nothing of how the suite works."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

Entry = dict[str, Any]
Fact = dict[str, Any]

MARK = re.compile(r"load-\d+-\d+[a-z]\.")
RECORDS = {"register": 2, "join": 1}
"""How many facts a command records: a registration is followed by its coordinator's joining the care team."""


def violations(history: Sequence[Entry], log: Sequence[Fact]) -> list[str]:
    """List everything in histories and log that must not be; the log is the part that was written meanwhile."""
    return [*_answers(history), *_reads(history), *_effects(history, log), *_order(log)]


def _answers(history: Sequence[Entry]) -> Iterator[str]:
    """Only 2xx, 4xx and 503 are answered, 503 with the time to come back; who repeats gets the first answer."""
    first: dict[str, Entry] = {}
    for entry in history:
        status = entry.get("status", 0)
        if status >= 500 and (status != 503 or not entry["retry_after"]):
            yield f"answered {status}: {entry}"
        if entry["outcome"] == "ok" and "key" in entry:
            if entry["command"] not in RECORDS:
                yield f"nonsense was accepted: {entry}"
            before = first.setdefault(entry["key"], entry)
            if (before["aggregate"], before["version"]) != (entry["aggregate"], entry["version"]):
                yield f"another answer than before: {before} {entry}"
        if entry["outcome"] == "fail" and entry["command"] in (*RECORDS, "read"):
            yield f"refused: {entry}"


def _reads(history: Sequence[Entry]) -> Iterator[str]:
    """Who was told that something is recorded can read it at once."""
    for entry in history:
        if entry["command"] == "read" and entry["outcome"] == "ok" and entry["version"] < entry["at_least"]:
            yield f"an accepted command was not read back: {entry}"


def _effects(history: Sequence[Entry], log: Sequence[Fact]) -> Iterator[str]:
    """Every accepted command is in the log exactly once, and nothing else is there."""
    accepted = {entry["key"]: entry for entry in history if entry["outcome"] == "ok" and entry["command"] in RECORDS}
    expected: dict[str, str] = {}
    for entry in accepted.values():
        last = entry["version"]
        for version in range(last - RECORDS[entry["command"]] + 1, last + 1):
            expected[f"{entry['aggregate']}-{version}"] = entry["mark"]
    found = {fact["id"]: fact for fact in log}
    yield from (f"lost: {mark} ({id})" for id, mark in expected.items() if id not in found)
    yield from (f"nobody was told of {fact['type']} {id}" for id, fact in found.items() if id not in expected)
    yield from _marks(accepted.values(), log)


def _marks(accepted: Any, log: Sequence[Fact]) -> Iterator[str]:
    """What was recorded says what was asked, once."""
    places: dict[str, list[str]] = defaultdict(list)
    for fact in log:
        for mark in set(MARK.findall(json.dumps(fact["data"]))):
            places[mark].append(fact["subject"])
    for entry in accepted:
        if places[entry["mark"]] != [entry["aggregate"]]:
            yield f"{entry['mark']} was accepted once and recorded {len(places[entry['mark']])} times"


def _order(log: Sequence[Fact]) -> Iterator[str]:
    """Positions and each aggregate's versions have no gap and no repetition; recorded times increase."""
    positions = [int(fact["sequence"]) for fact in log]
    if positions and positions != list(range(positions[0], positions[0] + len(positions))):
        yield "positions have a gap"
    times = [fact["recordedtime"] for fact in log]
    if times != sorted(set(times)):
        yield "recorded times do not increase"
    versions: dict[str, list[int]] = defaultdict(list)
    for fact in log:
        versions[fact["subject"]].append(int(fact["id"].rpartition("-")[2]))
    for subject, numbers in versions.items():
        if numbers != list(range(1, len(numbers) + 1)):
            yield f"{subject} has versions {numbers}"
