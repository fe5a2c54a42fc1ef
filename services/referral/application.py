"""What people may ask of referral: each use case loads a referral, asks it, and saves it."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID, uuid4

from events.base import UNSET
from events.referral import DeclineReason
from services.referral.domain import Referral, Report
from services.referral.worklists import REFERRALS
from shared.eventlog import Application, Context
from shared.messaging import REFUSED_REACTIONS, Refusal


class Referrals(Application):
    """The referrals of one organisation, and the reactions that a rule refused."""

    aggregates = (Referral, Refusal)
    worklists = (REFERRALS, REFUSED_REACTIONS)

    def request(self, context: Context, patient_id: UUID, **words: Any) -> Referral:
        """Ask for a colleague by hand; the caller hears back. `words` are the other fields of ReferralRequested."""
        referral = Referral.request(uuid4(), context, patient_id, requested_by=context.actor.id, **words)
        return self.save(referral)

    def receive(self, context: Context, referral_id: UUID) -> Referral:
        """Take a request from the pool."""
        referral = self.get(Referral, referral_id, context)
        referral.receive()
        return self.save(referral)

    def accept(self, context: Context, referral_id: UUID, first_visit_due: date, message: str = UNSET) -> Referral:
        """Take the patient on."""
        referral = self.get(Referral, referral_id, context)
        referral.accept(first_visit_due, message)
        return self.save(referral)

    def decline(self, context: Context, referral_id: UUID, reason: DeclineReason, note: str = UNSET) -> Referral:
        """Do not take the patient on."""
        referral = self.get(Referral, referral_id, context)
        referral.decline(reason, note)
        return self.save(referral)

    def report(self, context: Context, referral_id: UUID, report: Report) -> Referral:
        """File the report."""
        referral = self.get(Referral, referral_id, context)
        referral.file(report)
        return self.save(referral)

    def complete(self, context: Context, referral_id: UUID) -> Referral:
        """Say that what was asked has been done."""
        referral = self.get(Referral, referral_id, context)
        referral.complete()
        return self.save(referral)

    def acknowledge(self, context: Context, referral_id: UUID) -> Referral:
        """Close the loop."""
        referral = self.get(Referral, referral_id, context)
        referral.acknowledge()
        return self.save(referral)

    def cancel(self, context: Context, referral_id: UUID, reason: str) -> Referral:
        """Take a request back."""
        referral = self.get(Referral, referral_id, context)
        referral.cancel(reason)
        return self.save(referral)
