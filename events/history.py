"""What history records of itself."""

from __future__ import annotations

from events.base import ParkedEventSkipped, ReactionRefused, RefusalSettled, UpstreamReconciled


class HistoryReactionRefused(ReactionRefused, frozen=True, kw_only=True, tag="caretrail.history.reaction-refused.v1"):
    """History could not keep what another service recorded."""


class HistoryRefusalSettled(RefusalSettled, frozen=True, kw_only=True, tag="caretrail.history.refusal-settled.v1"):
    """A coordinator has dealt with a refused reaction of history."""


class HistoryParkedEventSkipped(
    ParkedEventSkipped, frozen=True, kw_only=True, tag="caretrail.history.parked-event-skipped.v1"
):
    """An operator let history pass over another service's event that it could not take."""


class HistoryUpstreamReconciled(
    UpstreamReconciled, frozen=True, kw_only=True, tag="caretrail.history.upstream-reconciled.v1"
):
    """An operator let history go on behind an upstream whose log was restored from a backup."""
