"""Reads FHIR dates and date-times without inventing what the sender did not say."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from services.intake.exchange.facts import Moment, Precision, RoughDate
from services.intake.exchange.json_values import Node, Unreadable, object_of, text_of

FHIR_TIME = re.compile(
    r"(?P<year>\d{4})(-(?P<month>\d{2})(-(?P<day>\d{2})"
    r"(?P<clock>T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(?P<zone>Z|[+-]\d{2}:\d{2})?)?)?)?",
    re.ASCII,
)
# No record that anybody still sends is older [project's choice].
EARLIEST = date(1850, 1, 1)
LATEST = date(2100, 1, 1)
NOON = time(12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Calendar:
    """Reads times; whatever lies before 1850 or after `last_day` is refused."""

    last_day: date

    @classmethod
    def until(cls, now: datetime | None) -> "Calendar":
        """Allow one day after `now`, for the zone in which it is already tomorrow; without `now`, until 2100."""
        return cls(LATEST if now is None else now.astimezone(UTC).date() + timedelta(days=1))

    def moment(self, node: Node, key: str) -> Moment | None:
        """Return the time at `key`, None where absent; Unreadable unless it is exact to the day and in range."""
        stated = text_of(node, key, limit=50)
        if stated is None:
            return None
        parts = _parts(stated, key)
        if parts["day"] is None:
            raise Unreadable(f"{key} is not exact to the day. Send the day on which it was measured.")
        if parts["clock"] is None:
            return Moment(datetime.combine(self._day(stated, key), NOON), Precision.DAY)
        at = _date_time(stated, key)
        self._check(at.date(), key)
        if at.tzinfo is None:
            return Moment(at.replace(tzinfo=UTC), Precision.INSTANT, zone_assumed=True)
        return Moment(at.astimezone(UTC), Precision.INSTANT)

    def rough_date(self, node: Node, key: str) -> RoughDate | None:
        """Return the date at `key` as exactly as stated, None where absent; Unreadable if it does not exist or fit."""
        stated = text_of(node, key, limit=50)
        if stated is None:
            return None
        parts = _parts(stated, key)
        if parts["clock"] is not None:
            day, precision = _date_time(stated, key).date(), Precision.DAY
        elif parts["day"] is not None:
            return RoughDate(self._day(stated, key), Precision.DAY)
        elif parts["month"] is not None:
            day, precision = _date(f"{stated}-01", key), Precision.MONTH
        else:
            day, precision = _date(f"{stated}-01-01", key), Precision.YEAR
        return RoughDate(self._check(day, key), precision)

    def effective(self, node: Node) -> Moment:
        """Return when an Observation holds: its date-time, its instant, or the start of its period; else Unreadable."""
        period = object_of(node, "effectivePeriod") or {}
        found = (
            self.moment(node, "effectiveDateTime")
            or self.moment(node, "effectiveInstant")
            or self.moment(period, "start")
            or self.moment(period, "end")
        )
        if found is None:
            raise Unreadable("The time of measurement is missing. Add effectiveDateTime and send the resource again.")
        return found

    def _day(self, stated: str, name: str) -> date:
        return self._check(_date(stated, name), name)

    def _check(self, day: date, name: str) -> date:
        if not EARLIEST <= day <= self.last_day:
            raise Unreadable(f"{name} lies before {EARLIEST.year} or in the future. Correct it and send it again.")
        return day


def _parts(stated: str, name: str) -> dict[str, str | None]:
    found = FHIR_TIME.fullmatch(stated)
    if found is None:
        raise Unreadable(f"{name} is not a FHIR date or date-time. Write it like 2026-11-23T09:30:00Z.")
    return found.groupdict()


def _date(stated: str, name: str) -> date:
    try:
        return date.fromisoformat(stated)
    except ValueError as impossible:
        raise Unreadable(f"{name} is a date that does not exist. Correct it and send it again.") from impossible


def _date_time(stated: str, name: str) -> datetime:
    try:
        return datetime.fromisoformat(stated)
    except ValueError as impossible:
        raise Unreadable(f"{name} is a time that does not exist. Correct it and send it again.") from impossible
