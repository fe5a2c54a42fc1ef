"""Refused reactions: recorded, and on the coordinator's worklist until a person has dealt with them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid5

from events.base import Event, ReactionRefused, RefusalSettled
from shared.eventlog.aggregate import Aggregate, Context, Refused, when
from shared.eventlog.application import Application, Worklist
from shared.eventlog.tables import refused_reactions


class Refusal(Aggregate):
    """One reaction that a rule refused."""

    settled = False

    @classmethod
    def of(cls, context: Context, event: Event, policy: str, refused: type[ReactionRefused], reason: str) -> Refusal:
        """Record that a policy was refused; once for a policy and an event."""
        refusal = cls(refusal_id(event, policy), context, event.patient_id)
        refusal.record(refused, policy=policy, cause=event.event_id, cause_type=_type_of(event), reason=reason)
        return refusal

    def settle(self, settled: type[RefusalSettled], resolution: str) -> None:
        """Say how a person has dealt with it."""
        if self.settled:
            raise Refused("This refused reaction has been dealt with.", code="already-settled")
        self.record(settled, resolution=resolution)

    @when(ReactionRefused)
    def _refused(self, event: ReactionRefused) -> None:
        self.policy, self.cause, self.reason = event.policy, event.cause, event.reason

    @when(RefusalSettled)
    def _settled(self, event: RefusalSettled) -> None:
        self.settled = True


def settle(
    application: Application, context: Context, refusal_id: UUID, settled: type[RefusalSettled], resolution: str
) -> Refusal:
    """Record in a service's own words how a person has dealt with a refused reaction."""
    refusal = application.get(Refusal, refusal_id, context)
    refusal.settle(settled, resolution)
    application.save(refusal)
    return refusal


def refusal_id(event: Event, policy: str) -> UUID:
    """Derive the id of a refusal from the event and the policy."""
    return uuid5(event.originator_id, f"{event.originator_version}/{policy}/refused")


def _type_of(event: Event) -> str:
    return str(event.__struct_config__.tag)


def _rows(refusal: Refusal) -> Iterator[dict[str, Any]]:
    if not refusal.settled:
        yield {
            "patient_id": refusal.patient_id,
            "policy": refusal.policy,
            "cause": refusal.cause,
            "reason": refusal.reason,
            "refused_at": refusal.context.now,
        }


REFUSED_REACTIONS = Worklist(refused_reactions, of=Refusal, rows=_rows)
"""The worklist of refused reactions; every application that listens has it."""
