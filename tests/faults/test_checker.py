"""The checker itself: a log and a history in order are let pass, and each thing that must not be is found."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faults.checker import violations

PATIENT = "8f14e45f-0000-4000-8000-000000000001"
OTHER = "8f14e45f-0000-4000-8000-000000000002"


def fact(position: int, version: int, data: Any, subject: str = PATIENT) -> dict[str, Any]:
    return {
        "id": f"{subject}-{version}",
        "subject": subject,
        "type": "caretrail.intake.any.v1",
        "sequence": f"{position:020}",
        "recordedtime": f"2026-11-23T09:00:00.{position:06}Z",
        "data": data,
    }


def told(command: str, mark: str, version: int, **changed: Any) -> dict[str, Any]:
    entry = {"command": command, "mark": mark, "key": f"key-of-{mark}", "outcome": "ok", "status": 200}
    return {**entry, "retry_after": False, "aggregate": PATIENT, "version": version, **changed}


LOG = [
    fact(41, 1, {"family_name": "load-0-0a."}),
    fact(42, 2, {"member_id": "anna"}),
    fact(43, 3, {"member_id": "load-0-0b."}),
]
HISTORY = [
    told("register", "load-0-0a.", 2, outcome="info", status=503, retry_after=True),
    told("register", "load-0-0a.", 2, status=201),
    told("join", "load-0-0b.", 3),
    told("join", "load-0-0b.", 3),
    {"command": "read", "at_least": 3, "version": 3, "outcome": "ok", "status": 200},
    {"command": "nonsense", "mark": "load-0-0d.", "key": "n", "outcome": "fail", "status": 422},
]


class TestTheChecker:
    def test_lets_pass_what_is_in_order(self):
        assert violations(HISTORY, LOG) == []

    @pytest.mark.parametrize(
        ("log", "found"),
        [
            (LOG[:2], "lost: load-0-0b."),
            ([*LOG, fact(44, 4, {"member_id": "load-0-0b."})], "recorded 2 times"),
            ([*LOG, fact(44, 4, {"member_id": "load-0-0b."})], "nobody was told"),
            ([*LOG, fact(44, 1, {"family_name": "load-0-0d."}, OTHER)], "nobody was told"),
            ([*LOG[:2], fact(43, 3, {"member_id": "load-9-9z."})], "recorded 0 times"),
            ([*LOG[:2], fact(44, 3, {"member_id": "load-0-0b."})], "gap"),
            ([*LOG[:2], fact(43, 4, {"member_id": "load-0-0b."})], "has versions [1, 2, 4]"),
            ([LOG[0], LOG[1], {**LOG[2], "recordedtime": LOG[0]["recordedtime"]}], "times do not increase"),
        ],
    )
    def test_finds_what_is_wrong_in_a_log(self, log: list[Any], found: str):
        assert any(found in violation for violation in violations(HISTORY, log))

    @pytest.mark.parametrize(
        ("entry", "found"),
        [
            (told("join", "load-0-0b.", 3, outcome="info", status=500), "answered 500"),
            (told("join", "load-0-0b.", 3, outcome="info", status=502), "answered 502"),
            (told("join", "load-0-0b.", 3, outcome="info", status=503), "answered 503"),
            (told("join", "load-0-0b.", 4), "another answer than before"),
            (told("join", "load-0-0e.", 4, outcome="fail", status=409), "refused"),
            (told("nonsense", "load-0-0d.", 1), "nonsense was accepted"),
            ({"command": "read", "at_least": 3, "version": 2, "outcome": "ok", "status": 200}, "not read back"),
        ],
    )
    def test_finds_what_is_wrong_in_a_history(self, entry: dict[str, Any], found: str):
        assert any(found in violation for violation in violations([*HISTORY, entry], LOG))
