"""Totals under the missing-item rules of section 1.5."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from itertools import groupby

from shared.clinical.answers import Points
from shared.clinical.exact import half_up
from shared.clinical.questionnaire import Instrument, Method
from shared.clinical.rules import Rules


class Status(StrEnum):
    """How far a score may be relied on."""

    COMPLETE = "complete"
    PROVISIONAL = "provisional"  # prorated, or decided although items are missing
    INCOMPLETE = "incomplete"  # ask the missing items again
    INVALID = "invalid"  # too much is missing for a total


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """A total or the reason why there is none."""

    status: Status
    value: int | None = None
    reason: str | None = None


def total(asked: Instrument, points: Points, rules: Rules) -> Total:
    """The total of the points, prorated where the rules allow it; always a whole number (MNCM refuses decimals)."""
    missing = points.count(None)
    if not missing:
        return Total(status=Status.COMPLETE, value=_sum(asked, points))
    allowed = rules.missing_allowed(asked.id)
    if not allowed:
        return Total(status=Status.INCOMPLETE, reason=f"{missing} unanswered; ask again")
    if missing > allowed:
        return Total(status=Status.INVALID, reason=f"{missing} unanswered; at most {allowed} can be prorated")
    if asked.method is Method.CLUSTERS:
        return _prorated_within_clusters(asked, points, rules)
    return Total(status=Status.PROVISIONAL, value=int(half_up(_prorated(points))), reason=f"{missing} prorated")


def positives(asked: Instrument, points: Points) -> int:
    """How many answered items reach their own threshold (ASRS)."""
    pairs = zip(asked.items, points, strict=True)
    return sum(
        item.positive_from is not None and point is not None and point >= item.positive_from for item, point in pairs
    )


def by_cluster(asked: Instrument, points: Points) -> dict[str, Points]:
    """The points of each symptom cluster, in item order."""
    pairs = zip(asked.items, points, strict=True)
    return {
        cluster: tuple(point for _, point in members)
        for cluster, members in groupby(pairs, key=lambda pair: pair[0].cluster or "")
    }


def _sum(asked: Instrument, points: Points) -> int:
    if asked.method is Method.POSITIVES:
        return positives(asked, points)
    return sum(point for point in points if point is not None)


def _prorated(points: Sequence[int | None]) -> Decimal:
    answered = [point for point in points if point is not None]
    return Decimal(sum(answered)) * len(points) / len(answered)


def _prorated_within_clusters(asked: Instrument, points: Points, rules: Rules) -> Total:
    clusters = by_cluster(asked, points).values()
    allowed = rules.missing.pcl5_per_cluster
    if any(cluster.count(None) > min(allowed, len(cluster) - 1) for cluster in clusters):
        return Total(status=Status.INVALID, reason=f"more than {allowed} unanswered in one cluster")
    # rounded once at the end, so that two clusters cannot each add half a point
    value = int(half_up(sum((_prorated(cluster) for cluster in clusters), Decimal(0))))
    return Total(status=Status.PROVISIONAL, value=value, reason=f"{points.count(None)} prorated within clusters")
