"""What history records of itself."""

from __future__ import annotations

from events.base import ReactionRefused, RefusalSettled


class HistoryReactionRefused(ReactionRefused, frozen=True, kw_only=True, tag="caretrail.history.reaction-refused.v1"):
    """History could not keep what another service recorded."""


class HistoryRefusalSettled(RefusalSettled, frozen=True, kw_only=True, tag="caretrail.history.refusal-settled.v1"):
    """A coordinator has dealt with a refused reaction of history."""
