"""A small history and what the databases hold after it, made by hand: all in order."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from tests.faults.observing import KEPT, UPSTREAMS

PATIENT = "8f14e45f-0000-4000-8000-000000000001"
SCREENING = "8f14e45f-0000-4000-8000-000000000002"
REFERRAL = "8f14e45f-0000-4000-8000-000000000003"
EPOCH = "8f14e45f-0000-4000-8000-00000000000e"

Told = list[dict[str, Any]]
Seen = dict[str, Any]


def fact(position: int, of: str, version: int, kind: str, cause: str, hops: int = 0, **words: Any) -> dict[str, Any]:
    """Give a fact as observed; `kind` is its type without what all types share."""
    service = kind.split(".")[0]
    body = {"causation_id": cause, "hops": hops, **words}
    return {
        **{"service": service, "position": position, "id": f"{of}-{version}", "aggregate": of, "version": version},
        **{"type": f"caretrail.{kind}.v1", "recorded_at": f"2026-11-23T09:00:{position:02}.000000Z"},
        **{"lane": 7, "previous": position - 1, "patient": PATIENT, "body": body, "text": str(body)},
    }


def told(command: str, of: str, version: int, *records: str, mark: str = "", **changed: Any) -> dict[str, Any]:
    """Give what a client wrote down about an accepted command."""
    entry = {"t0": 1.0, "t1": 2.0, "command": command, "mark": mark, "key": f"key of {command}", "outcome": "ok"}
    types = [f"caretrail.{record}.v1" for record in records]
    place = {"records": types, "status": 200, "retry_after": False, "aggregate": of, "version": version}
    return {**entry, **place, **changed}


REGISTER = told(
    *("register", PATIENT, 2, "intake.patient-registered", "intake.patient-team-member-joined"), mark="load-0-0a."
)
CONCLUDE = told("conclude", SCREENING, 2, "intake.screening-concluded", "intake.clearance-needed")
OPEN = told("open", SCREENING, 1, "intake.screening-opened")
ACCEPT = told("accept", REFERRAL, 2, "referral.accepted")
HISTORY = [
    {**REGISTER, "outcome": "info", "status": 503, "retry_after": True},
    REGISTER,
    REGISTER,
    {"command": "read", "at_least": 2, "version": 2, "aggregate": PATIENT, "outcome": "ok", "status": 200},
    {"command": "nonsense", "mark": "load-0-0z.", "key": "n", "outcome": "fail", "status": 422, "retry_after": False},
    {"command": "look", "path": "/referral/v1/referrals", "outcome": "fail", "status": 404, "retry_after": False},
    OPEN,
    CONCLUDE,
    ACCEPT,
]


def observation() -> Seen:
    """Give what the databases hold after this history: two of the events follow from others."""
    intake = [
        fact(1, PATIENT, 1, "intake.patient-registered", "request 1", family_name="load-0-0a."),
        fact(2, PATIENT, 2, "intake.patient-team-member-joined", "request 1", member_id="anna", role="coordinator"),
        fact(3, SCREENING, 1, "intake.screening-opened", "request 2"),
        fact(4, SCREENING, 2, "intake.screening-concluded", "request 3"),
        fact(5, SCREENING, 3, "intake.clearance-needed", "request 3"),
        fact(
            8, PATIENT, 3, "intake.patient-team-member-joined", f"{REFERRAL}-2", 2, member_id="paul", role="physician"
        ),
    ]
    intake[5] |= {"position": 6, "previous": 5}
    referral = [
        fact(6, REFERRAL, 1, "referral.requested", f"{SCREENING}-3", 1),
        fact(7, REFERRAL, 2, "referral.accepted", "request 4", accepted_by="paul"),
    ]
    referral[0] |= {"position": 1, "previous": 0}
    referral[1] |= {"position": 2, "previous": 1}
    logs = {**{service: [] for service in UPSTREAMS}, "intake": intake, "referral": referral}
    return deepcopy(
        {
            "since": dict.fromkeys(UPSTREAMS, 0),
            "logs": logs,
            "epochs": dict.fromkeys(UPSTREAMS, EPOCH),
            "positions": {s: [reached(up, logs[up][-1]) for up in ups if logs[up]] for s, ups in UPSTREAMS.items()},
            "parked": {service: [] for service in UPSTREAMS},
            "kept": kept([*intake, *referral]),
            "healed_in": 0.4,
            "behind": [],
            "stopped": [],
        }
    )


def reached(upstream: str, last: dict[str, Any]) -> dict[str, Any]:
    place = {"sequence": last["position"], "event_id": last["id"]}
    return {"upstream": upstream, "lane": 7, "epoch": EPOCH, **place}


def kept(facts: Told) -> dict[str, dict[str, Told]]:
    found: dict[str, dict[str, Told]] = {service: {table: [] for table in KEPT[service]} for service in UPSTREAMS}
    for service in UPSTREAMS:
        found[service]["care_team"] = [
            {"patient_id": PATIENT, "member_id": "anna", "role": "coordinator"},
            {"patient_id": PATIENT, "member_id": "paul", "role": "physician"},
        ]
    found["prescription"]["conclusions"] = [{"event_id": f"{SCREENING}-2"}]
    found["monitoring"]["patients"] = [{"patient_id": PATIENT}]
    found["referral"]["referrals"] = [{"aggregate_id": REFERRAL, "status": "accepted"}]
    found["history"]["timeline"] = [in_the_timeline(one) for one in facts]
    return found


def in_the_timeline(one: dict[str, Any]) -> dict[str, Any]:
    """Give history's row of a fact."""
    place = {"service": one["service"], "position": one["position"], "epoch": EPOCH}
    return {**place, "event_id": one["id"], "body": one["text"]}
