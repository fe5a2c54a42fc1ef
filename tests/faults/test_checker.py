"""The checker itself: what is in order is let pass, and whatever breaks an invariant is found under its name."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

import pytest

from tests.faults.checker import INVARIANTS, named, violations
from tests.faults.example import (
    CONCLUDE,
    HISTORY,
    OPEN,
    PATIENT,
    REFERRAL,
    SCREENING,
    Seen,
    Told,
    fact,
    in_the_timeline,
    observation,
    told,
)

ANOTHER = "8f14e45f-0000-4000-8000-000000000009"

Doctor = Callable[[Told, Seen], object]


# What must not be


def _a_lost_command(history: Told, seen: Seen) -> None:
    history.append(told("open another", ANOTHER, 1, "intake.screening-opened"))


def _a_doubled_command(history: Told, seen: Seen) -> None:
    again = fact(7, ANOTHER, 1, "intake.screening-opened", "request 9", words="load-0-0a.")
    seen["logs"]["intake"].append({**again, "recorded_at": "2026-11-23T09:00:09.000000Z", "previous": 6})


def _half_a_command(history: Told, seen: Seen) -> None:
    history.append({**CONCLUDE, "key": "another", "records": [*CONCLUDE["records"], "caretrail.intake.other.v1"]})


def _another_answer(history: Told, seen: Seen) -> None:
    history.append({**OPEN, "version": 2})


def _a_false_conflict(history: Told, seen: Seen) -> None:
    history.append({**OPEN, "outcome": "fail", "status": 409, "said": "open already"})


def _an_event_of_nobody(history: Told, seen: Seen) -> None:
    history.remove(OPEN)


def _an_effect_of_nothing(history: Told, seen: Seen) -> None:
    seen["logs"]["referral"][0]["body"]["causation_id"] = f"{SCREENING}-9"


def _a_missing_version(history: Told, seen: Seen) -> None:
    seen["logs"]["referral"][1] |= {"version": 3}


def _a_missing_position(history: Told, seen: Seen) -> None:
    seen["logs"]["referral"][1] |= {"position": 3}


def _a_broken_chain(history: Told, seen: Seen) -> None:
    seen["logs"]["intake"][4] |= {"previous": 3}


def _a_time_twice(history: Told, seen: Seen) -> None:
    seen["logs"]["intake"][1] |= {"recorded_at": seen["logs"]["intake"][0]["recorded_at"]}


def _a_fact_that_history_lacks(history: Told, seen: Seen) -> None:
    seen["kept"]["history"]["timeline"].pop(2)


def _a_fact_that_history_changed(history: Told, seen: Seen) -> None:
    seen["kept"]["history"]["timeline"][2] |= {"body": "{}"}


def _a_fact_that_only_history_knows(history: Told, seen: Seen) -> None:
    nobodys = fact(9, PATIENT, 9, "intake.noted", "request 9")
    seen["kept"]["history"]["timeline"].append(in_the_timeline(nobodys))


def _a_conclusion_not_kept(history: Told, seen: Seen) -> None:
    seen["kept"]["prescription"]["conclusions"].clear()


def _a_conclusion_kept_twice(history: Told, seen: Seen) -> None:
    seen["kept"]["prescription"]["conclusions"] *= 2


def _an_effect_before_its_cause(history: Told, seen: Seen) -> None:
    seen["logs"]["intake"][5] |= {"recorded_at": "2026-11-23T09:00:05.500000Z"}


def _effects_out_of_order(history: Told, seen: Seen) -> None:
    seen["logs"]["intake"][5]["body"]["causation_id"] = f"{REFERRAL}-2"
    before = fact(0, PATIENT, 3, "intake.noted", f"{REFERRAL}-2", 2)
    last = fact(0, PATIENT, 4, "intake.noted", f"{REFERRAL}-1", 2)
    for place, one in enumerate((before, last), start=7):
        words = {"position": place, "previous": place - 1, "version": place - 3, "id": f"{PATIENT}-{place - 3}"}
        late = {**one, **words, "recorded_at": f"2026-11-23T09:00:{place + 4:02}.000000Z"}
        seen["logs"]["intake"].append(late)
        seen["kept"]["history"]["timeline"].append(in_the_timeline(late))


def _a_colleague_whom_a_service_does_not_know(history: Told, seen: Seen) -> None:
    seen["kept"]["monitoring"]["care_team"].pop()


def _a_referral_that_stands_elsewhere(history: Told, seen: Seen) -> None:
    seen["kept"]["referral"]["referrals"][0]["status"] = "requested"


def _a_need_without_a_referral(history: Told, seen: Seen) -> None:
    seen["logs"]["referral"][0]["body"]["causation_id"] = f"{SCREENING}-2"


def _somebody_who_joined_twice(history: Told, seen: Seen) -> None:
    seen["logs"]["intake"][5]["body"]["member_id"] = "anna"


def _no_healing(history: Told, seen: Seen) -> None:
    seen |= {"healed_in": float("inf"), "behind": ["history in intake/7"]}


def _a_parked_event(history: Told, seen: Seen) -> None:
    seen["parked"]["history"].append({"upstream": "intake", "sequence": 4, "event_id": f"{SCREENING}-2", "reason": "?"})


def _a_position_of_another_log(history: Told, seen: Seen) -> None:
    seen["positions"]["history"][0]["epoch"] = PATIENT


def _an_error_answered(history: Told, seen: Seen) -> None:
    history.append({**OPEN, "outcome": "info", "status": 500})


def _a_503_without_a_time(history: Told, seen: Seen) -> None:
    history.append({**OPEN, "outcome": "info", "status": 503})


def _a_refusal(history: Told, seen: Seen) -> None:
    history.append(told("draft", PATIENT, 0, "prescription.program-drafted", outcome="fail", status=409))


def _nonsense_accepted(history: Told, seen: Seen) -> None:
    history[4] |= {"outcome": "ok", "status": 201}


def _a_stale_read(history: Told, seen: Seen) -> None:
    history[3] |= {"version": 1}


BROKEN: list[tuple[Doctor, str, str]] = [
    (_a_lost_command, "I1", "lost: open another"),
    (_a_doubled_command, "I1", "accepted once and recorded at"),
    (_half_a_command, "I1", "conclude  (key another) recorded"),
    (_another_answer, "I1", "a repeat got another answer: open"),
    (_a_false_conflict, "I1", "a repeat was refused: open"),
    (_an_event_of_nobody, "I2", "intake/3 caretrail.intake.screening-opened.v1"),
    (_an_effect_of_nothing, "I2", f"follows from {SCREENING}-9"),
    (_a_missing_version, "I3", "has version 3, not 2"),
    (_a_missing_position, "I3", "positions of referral are not 1..2"),
    (_a_broken_chain, "I3", "says that 3 was before it, not 4"),
    (_a_time_twice, "I3", "recorded times of intake do not increase"),
    (_a_fact_that_history_lacks, "I4", "history has not taken intake/3"),
    (_a_fact_that_history_changed, "I4", "history holds another fact than intake/3"),
    (_a_fact_that_only_history_knows, "I4", f"history holds {PATIENT}-9"),
    (_a_conclusion_not_kept, "I4", "prescription keeps no conclusions"),
    (_a_conclusion_kept_twice, "I4", "one conclusions too many"),
    (_an_effect_before_its_cause, "I5", "was recorded before its cause"),
    (_effects_out_of_order, "I5", "was taken"),
    (_a_colleague_whom_a_service_does_not_know, "I6", "monitoring's care_team lacks"),
    (_a_referral_that_stands_elsewhere, "I6", "referral's referrals"),
    (_a_need_without_a_referral, "I8", "led to 0 caretrail.referral.requested.v1"),
    (_somebody_who_joined_twice, "I8", "joined the care team"),
    (_no_healing, "I9", "behind: history in intake/7"),
    (_a_parked_event, "I9", "history has parked"),
    (_a_position_of_another_log, "I9", "which is another log's"),
    (_an_error_answered, "I10", "answered 500"),
    (_a_503_without_a_time, "I10", "answered 503"),
    (_a_refusal, "I10", "refused with 409: draft"),
    (_nonsense_accepted, "I10", "nonsense was accepted"),
    (_a_stale_read, "I11", "was read at version 1 after 2"),
]


class TestTheChecker:
    def test_lets_pass_what_is_in_order(self):
        assert violations(HISTORY, observation()) == []

    @pytest.mark.parametrize(("doctor", "name", "words"), BROKEN, ids=[doctor.__name__[1:] for doctor, *_ in BROKEN])
    def test_finds_what_is_broken_under_its_name(self, doctor: Doctor, name: str, words: str):
        history, seen = deepcopy(HISTORY), observation()
        doctor(history, seen)

        found = violations(history, seen)

        assert any(one.startswith(f"{name}: ") and words in one for one in found), found

    def test_has_a_case_for_every_invariant(self):
        assert named(f"{name}: " for _, name, _ in BROKEN) == list(INVARIANTS)
