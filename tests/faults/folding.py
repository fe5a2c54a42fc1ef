"""What the read models must hold: an independent fold of the logs, in a few plain lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Fact = dict[str, Any]

OF_A_REFERRAL = (
    *("requested", "received", "accepted", "declined"),
    *("reported", "completed", "acknowledged", "cancelled"),
)
STATUS: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("referral", "referrals"): {step: step for step in OF_A_REFERRAL},
    ("prescription", "programs"): {
        "program-drafted": "draft",
        "program-activated": "active",
        "program-paused": "on-hold",
        "program-resumed": "active",
        "program-completed": "completed",
        "program-discontinued": "revoked",
    },
    ("monitoring", "plans"): {"plan-opened": "active", "plan-paused": "on-hold", "plan-resumed": "active"},
    ("monitoring", "alerts"): {
        "alert-raised": "open",
        "alert-acknowledged": "acknowledged",
        "alert-resolved": "resolved",
    },
}
"""The status that an event leads to, by the service that records it and keeps it."""

KEEP_CARE_TEAMS = ("intake", "prescription", "referral", "monitoring", "history")


def projections(logs: Mapping[str, Sequence[Fact]]) -> dict[tuple[str, str], list[tuple[Any, ...]]]:
    """Give the rows of every read model, by service and table."""
    teams = list(_care_teams(logs["intake"]))
    found = {(service, "care_team"): teams for service in KEEP_CARE_TEAMS}
    return found | {place: _standing(logs[place[0]], words) for place, words in STATUS.items()}


def _care_teams(log: Sequence[Fact]) -> Iterator[tuple[Any, ...]]:
    members = {}
    for fact in log:
        if fact["type"] == "caretrail.intake.patient-team-member-joined.v1":
            members[fact["patient"], fact["body"]["member_id"]] = fact["body"]["role"]
        if fact["type"] == "caretrail.intake.patient-team-member-left.v1":
            del members[fact["patient"], fact["body"]["member_id"]]
    return ((patient, member, role) for (patient, member), role in members.items())


def _standing(log: Sequence[Fact], words: Mapping[str, str]) -> list[tuple[Any, ...]]:
    standing: dict[str, str] = {}
    for fact in log:
        word = words.get(fact["type"].split(".")[2])
        if word is not None:
            standing[fact["aggregate"]] = word
    return list(standing.items())
