"""Referral's frozen examples: read as they were written, and bearable once a patient's words are gone."""

import json
from pathlib import Path

import pytest

from events.base import Event
from events.vocabulary import CATALOGUE
from services.referral.api import ReferralView
from services.referral.domain import Referral
from services.referral.worklists import REFERRALS
from shared.messaging import REFUSED_REACTIONS, Refusal
from shared.messaging.refusals_api import RefusedReactionView

EXAMPLES = Path(__file__).parents[2] / "events" / "examples"
LOOP = ("requested", "received", "accepted", "reported", "completed", "acknowledged")
BY_OPERATORS = ("parked-event-skipped", "upstream-reconciled")
TYPES = {*LOOP, "declined", "cancelled", "reaction-refused", "refusal-settled", *BY_OPERATORS}


def example(name: str, *, erased: bool = False) -> Event:
    body = json.loads((EXAMPLES / f"caretrail.referral.{name}.v1.json").read_bytes())
    if erased:
        body.pop("sealed", None)
    return CATALOGUE.decode(body["type"], json.dumps(body).encode())


class TestTheExamples:
    def test_are_there_for_every_type(self):
        known = {name for name in CATALOGUE.types() if name.startswith("caretrail.referral.")}

        assert known == {f"caretrail.referral.{name}.v1" for name in TYPES}

    def test_tell_one_whole_loop(self):
        referral = Referral.load([example(name) for name in LOOP], None)

        assert referral is not None
        assert (referral.status, referral.version, referral.provider) == ("acknowledged", 6, "dr.lindqvist")
        assert referral.report is not None
        assert (referral.report.outcome, referral.report.intensity_cap) == ("cleared-with-limits", "moderate")


class TestAReferralWhoseWordsAreGone:
    @pytest.mark.parametrize("length", range(1, 7))
    def test_still_loads_and_shows_where_it_stands(self, length: int):
        referral = Referral.load([example(name, erased=True) for name in LOOP[:length]], None)

        (row,) = REFERRALS.change(referral).rows
        view = ReferralView(exclude=["allowed"]).dump(referral)
        assert row["status"] == view["status"] == LOOP[length - 1]
        assert {"reason", "message", "status_reason"}.isdisjoint(view)

    @pytest.mark.parametrize(("name", "version"), [("declined", 3), ("cancelled", 2)])
    def test_still_shows_how_it_ended(self, name: str, version: int):
        history = [example(step, erased=True) for step in LOOP[: version - 1]]

        referral = Referral.load([*history, example(name, erased=True)], None)

        assert ReferralView(exclude=["allowed"]).dump(referral)["status"] == name

    def test_leaves_a_refused_reaction_readable(self):
        refusal = Refusal.load([example(f, erased=True) for f in ("reaction-refused", "refusal-settled")], None)

        assert RefusedReactionView().dump(refusal)["policy"] == "request_an_urgent_physician"
        assert REFUSED_REACTIONS.change(refusal).rows == []
