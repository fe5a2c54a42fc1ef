"""I3-I6, I8, I9: whether the logs are in order, and whether others made of them exactly what follows; JSON only."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tests.faults.folding import projections

Entry = dict[str, Any]
Fact = dict[str, Any]
Seen = dict[str, Any]

HEALS_WITHIN = 30.0
"""Seconds after the last fault in which everything must have healed."""


def histories_have_no_gap(history: Sequence[Entry], seen: Seen) -> Iterator[str]:
    """I3: versions 1..n of every aggregate, positions 1..n, each lane a chain, recorded times that increase."""
    for service, log in seen["logs"].items():
        if [fact["position"] for fact in log] != list(range(1, len(log) + 1)):
            yield f"positions of {service} are not 1..{len(log)}"
        times = [fact["recorded_at"] for fact in log]
        if times != sorted(set(times)):
            yield f"recorded times of {service} do not increase"
        versions: dict[str, int] = defaultdict(int)
        lanes: dict[int, int] = defaultdict(int)
        for fact in log:
            versions[fact["aggregate"]] += 1
            if fact["version"] != versions[fact["aggregate"]]:
                yield f"{named(fact)} has version {fact['version']}, not {versions[fact['aggregate']]}"
            if fact["previous"] != lanes[fact["lane"]]:
                yield f"{named(fact)} says that {fact['previous']} was before it, not {lanes[fact['lane']]}"
            lanes[fact["lane"]] = fact["position"]


def everybody_takes_the_whole_log(history: Sequence[Entry], seen: Seen) -> Iterator[str]:
    """I4: history holds every fact, byte for byte, once; what others keep of a fact is there exactly for each.

    A lane that stopped with an alarm waits for a person (I9), but nothing in it is lost in silence.
    """
    timeline = seen["kept"]["history"]["timeline"]
    held = {(row["service"], row["event_id"]): row for row in timeline}
    if len(held) != len(timeline):
        yield "history holds a fact twice"
    upstreams = [service for service in seen["logs"] if service != "history"]
    for fact in facts_of(seen, upstreams):
        row = held.pop((fact["service"], fact["id"]), None)
        if row is None and [fact["service"], fact["lane"]] not in seen["stopped"]:
            yield f"history has not taken {named(fact)}"
        elif row and (row["position"], row["body"]) != (fact["position"], fact["text"]):
            yield f"history holds another fact than {named(fact)}"
    for (service, event_id), row in held.items():
        if row["epoch"] == seen["epochs"][service]:
            yield f"history holds {event_id}, which {service} has not recorded"
    yield from _effects(seen)


def _effects(seen: Seen) -> Iterator[str]:
    for (service, table, kept_of), types in EFFECTS.items():
        expected = Counter(_kept_value(fact, kept_of) for fact in facts_of(seen) if fact["type"] in types)
        found = Counter(row[kept_of] for row in seen["kept"][service][table])
        yield from (f"{service} keeps no {table} of {one}" for one in (expected - found).elements())
        yield from (f"{service} keeps one {table} too many of {one}" for one in (found - expected).elements())


def _kept_value(fact: Fact, kept_of: str) -> Any:
    return fact["id"] if kept_of == "event_id" else fact["patient"]


EFFECTS = {
    ("prescription", "conclusions", "event_id"): ("caretrail.intake.screening-concluded.v1",),
    ("prescription", "clearances", "event_id"): ("caretrail.intake.clearance-recorded.v1",),
    ("prescription", "red_flags", "event_id"): ("caretrail.monitoring.red-flag-raised.v1",),
    ("monitoring", "baselines", "event_id"): ("caretrail.intake.questionnaire-answered.v1",),
    ("monitoring", "patients", "patient_id"): ("caretrail.intake.patient-registered.v1",),
}
"""What other services keep: one row for each fact of these types."""


def effects_follow_in_the_order_of_their_causes(history: Sequence[Entry], seen: Seen) -> Iterator[str]:
    """I5: for each patient, and never before the cause was recorded."""
    facts = {fact["id"]: fact for fact in facts_of(seen)}
    last: dict[tuple[str, str, str], Fact] = {}
    for effect in facts_of(seen):
        cause = facts.get(effect["body"]["causation_id"])
        if cause is None or cause["service"] == effect["service"]:
            continue
        if cause["recorded_at"] >= effect["recorded_at"]:
            yield f"{named(effect)} was recorded before its cause {named(cause)}"
        way = (cause["service"], effect["service"], effect["patient"])
        if way in last and last[way]["position"] > cause["position"]:
            yield f"{named(effect)} follows from {named(cause)} after {named(last[way])} was taken"
        last[way] = cause


def projections_are_what_the_log_says(history: Sequence[Entry], seen: Seen) -> Iterator[str]:
    """I6: care teams, referrals, programs, plans and alerts are what an independent fold of the logs gives."""
    for (service, table), expected in projections(seen["logs"]).items():
        found = Counter(tuple(row.values()) for row in seen["kept"][service][table])
        yield from (f"{service}'s {table} lacks {row}" for row in (Counter(expected) - found).elements())
        yield from (f"{service}'s {table} has {row}" for row in (found - Counter(expected)).elements())


def each_occasion_has_one_consequence(history: Sequence[Entry], seen: Seen) -> Iterator[str]:
    """I8: one referral per clearance need and per red flag, one pause per red flag, one plan per program, and so on."""
    by_type: dict[str, list[Fact]] = defaultdict(list)
    for fact in facts_of(seen):
        by_type[fact["type"]].append(fact)
    for cause_type, effect_type in CONSEQUENCES:
        made = Counter(fact["body"]["causation_id"] for fact in by_type[effect_type])
        for cause in by_type[cause_type]:
            if made[cause["id"]] != 1:
                yield f"{named(cause)} led to {made[cause['id']]} {effect_type}"
    yield from _each_joins_once(by_type)


def _each_joins_once(by_type: dict[str, list[Fact]]) -> Iterator[str]:
    joined = Counter((fact["patient"], fact["body"]["member_id"]) for fact in by_type[JOINED])
    for (patient, member), times in joined.items():
        if times != 1:
            yield f"{member} joined the care team of {patient} {times} times"
    for fact in by_type["caretrail.referral.accepted.v1"]:
        if not joined[fact["patient"], fact["body"]["accepted_by"]]:
            yield f"{named(fact)} led to no {JOINED}"


JOINED = "caretrail.intake.patient-team-member-joined.v1"
CONSEQUENCES = (
    ("caretrail.intake.clearance-needed.v1", "caretrail.referral.requested.v1"),
    ("caretrail.monitoring.red-flag-raised.v1", "caretrail.referral.requested.v1"),
    ("caretrail.monitoring.red-flag-raised.v1", "caretrail.prescription.program-paused.v1"),
    ("caretrail.referral.reported.v1", "caretrail.intake.clearance-recorded.v1"),
    ("caretrail.prescription.program-activated.v1", "caretrail.monitoring.plan-opened.v1"),
    ("caretrail.prescription.program-paused.v1", "caretrail.monitoring.plan-paused.v1"),
    ("caretrail.prescription.program-resumed.v1", "caretrail.monitoring.plan-resumed.v1"),
)
"""In the journeys of the load, each of the left leads to exactly one of the right."""


def everything_heals_by_itself(history: Sequence[Entry], seen: Seen) -> Iterator[str]:
    """I9: soon after the last fault everybody has taken everything, and nothing waits for a person."""
    if seen["healed_in"] > HEALS_WITHIN:
        yield f"after {HEALS_WITHIN:.0f} s behind: {', '.join(seen['behind']) or 'somebody'}"
    for service, rows in seen["parked"].items():
        yield from (f"{service} has parked {row['event_id']} of {row['upstream']}: {row['reason']}" for row in rows)
    for fact in facts_of(seen):
        if fact["type"].endswith(".reaction-refused.v1"):
            yield f"{named(fact)}: {fact['body']['policy']} was refused: {fact['body']['reason']}"
    facts = {(fact["service"], fact["position"]): fact for fact in facts_of(seen)}
    for service, positions in seen["positions"].items():
        for at in positions:
            fact = facts.get((at["upstream"], at["sequence"]))
            if at["epoch"] != seen["epochs"][at["upstream"]] or fact is None or fact["id"] != at["event_id"]:
                yield f"{service} stands in {at['upstream']}/{at['lane']} at {at['sequence']}, which is another log's"


def facts_of(seen: Seen, services: Iterable[str] | None = None) -> Iterator[Fact]:
    """Give the facts of all logs, or of some."""
    for service in seen["logs"] if services is None else services:
        yield from seen["logs"][service]


def named(fact: Fact) -> str:
    """Name a fact by its place, type and id."""
    return f"{fact['service']}/{fact['position']} {fact['type']} {fact['id']}"
