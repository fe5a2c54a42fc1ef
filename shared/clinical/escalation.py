"""Escalation levels E0-E3: which trigger, which clock, and who answers (section 5.4)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from shared.clinical.cssrs import Screen, Tier


class Level(StrEnum):
    """Urgency; E0 is the most urgent."""

    E0 = "E0"
    E1 = "E1"
    E2 = "E2"
    E3 = "E3"


class Trigger(StrEnum):
    """What opens an alert."""

    CSSRS_HIGH = "CSSRS_HIGH"
    CRISIS_SELF_REPORT = "CRISIS_SELF_REPORT"
    EMERGENCY_SIGN = "EMERGENCY_SIGN"
    CSSRS_MODERATE = "CSSRS_MODERATE"
    SI_POSITIVE_HIGH = "SI_POSITIVE_HIGH"
    SI_UNASSESSED = "SI_UNASSESSED"
    PHQ9_SEVERE_NEW = "PHQ9_SEVERE_NEW"
    VITALS_HOLD = "VITALS_HOLD"
    SAME_DAY_SIGN = "SAME_DAY_SIGN"
    SI_POSITIVE_LOW = "SI_POSITIVE_LOW"
    RELIABLE_DETERIORATION = "RELIABLE_DETERIORATION"
    ACSM_STOP = "ACSM_STOP"
    REVIEW_SIGN = "REVIEW_SIGN"
    NONRESPONSE = "NONRESPONSE"
    OVERDUE = "OVERDUE"
    LOW_ADHERENCE = "LOW_ADHERENCE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """What a level demands. Minutes count from the trigger; only a person closes an alert."""

    level: Level
    acknowledge_minutes: int
    act_minutes: int | None = None
    page_every_minutes: int | None = None
    show_crisis_card: bool = False
    follow_up_hours: tuple[int, int] | None = None
    follow_up_weeks: int = 0
    who: tuple[str, ...]
    action: str


_HOUR, _DAY = 60, 24 * 60

CLOCKS: Mapping[Level, Clock] = MappingProxyType(
    {
        Level.E0: Clock(
            level=Level.E0,
            acknowledge_minutes=15,
            act_minutes=0,
            page_every_minutes=5,
            show_crisis_card=True,
            follow_up_hours=(24, 72),
            follow_up_weeks=4,
            who=("on-call clinician",),
            action="show the crisis card at once; keep contact until hand-over",
        ),
        Level.E1: Clock(
            level=Level.E1,
            acknowledge_minutes=4 * _HOUR,
            act_minutes=_DAY,
            follow_up_hours=(24, 72),
            follow_up_weeks=4,
            who=("care manager", "prescriber"),
            action="assess today",
        ),
        Level.E2: Clock(
            level=Level.E2,
            acknowledge_minutes=24 * _HOUR,
            act_minutes=72 * _HOUR,
            who=("care manager",),
            action="review, and a safety plan where thoughts of death were the trigger",
        ),
        Level.E3: Clock(level=Level.E3, acknowledge_minutes=7 * _DAY, who=("coordinator",), action="make contact"),
    }
)
"""Policy figures [R]; check local law."""

LEVELS: Mapping[Trigger, Level] = MappingProxyType(
    {
        Trigger.CSSRS_HIGH: Level.E0,
        Trigger.CRISIS_SELF_REPORT: Level.E0,
        Trigger.EMERGENCY_SIGN: Level.E0,
        Trigger.CSSRS_MODERATE: Level.E1,
        Trigger.SI_POSITIVE_HIGH: Level.E1,
        Trigger.SI_UNASSESSED: Level.E1,
        Trigger.PHQ9_SEVERE_NEW: Level.E1,
        Trigger.VITALS_HOLD: Level.E1,
        Trigger.SAME_DAY_SIGN: Level.E1,
        Trigger.SI_POSITIVE_LOW: Level.E2,
        Trigger.RELIABLE_DETERIORATION: Level.E2,
        Trigger.ACSM_STOP: Level.E2,
        Trigger.REVIEW_SIGN: Level.E2,
        Trigger.NONRESPONSE: Level.E3,
        Trigger.OVERDUE: Level.E3,
        Trigger.LOW_ADHERENCE: Level.E3,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CrisisCard:
    """Whom a person in crisis can reach; a deployment supplies the card of its own locale."""

    locale: str
    call_or_text: str
    emergency: str


US_CRISIS_CARD = CrisisCard(locale="en-US", call_or_text="988", emergency="911")


def clock(trigger: Trigger) -> Clock:
    """The clock that a trigger starts."""
    return CLOCKS[LEVELS[trigger]]


def one_level_up(level: Level) -> Level:
    """Where an alert goes when nobody acknowledged it in time; E0 stays E0 and keeps paging."""
    ladder = list(Level)
    return ladder[max(0, ladder.index(level) - 1)]


def item_9_trigger(item_9: int | None, screen: Screen | None = None) -> Trigger | None:
    """The trigger of PHQ-9 item 9 read together with the C-SSRS screener, or None when neither calls for one.

    Item 9 = 1, or unanswered, without a complete screener counts as unassessed: same day, since it is to be asked in
    the same contact (sections 1.7 and 5.4 name only the case with a low tier).
    """
    tier = screen.tier if screen is not None else None
    if tier is Tier.HIGH:
        return Trigger.CSSRS_HIGH
    if tier is Tier.MODERATE:
        return Trigger.CSSRS_MODERATE
    if item_9 is not None and item_9 >= 2:
        return Trigger.SI_POSITIVE_HIGH
    if screen is None or not screen.complete:
        return None if item_9 == 0 and screen is None else Trigger.SI_UNASSESSED
    return Trigger.SI_POSITIVE_LOW if item_9 == 1 or tier is Tier.LOW else None
