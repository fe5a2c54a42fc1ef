"""Red flags during or after exercise: what they are, what to do, and how fast (section 5.5)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from shared.clinical.escalation import Trigger
from shared.clinical.refusals import UnknownCode


class Action(StrEnum):
    """What the person does first; every one of them begins with stopping."""

    EMERGENCY_UNLESS_GONE = "stop and rest; emergency call if not gone after a few minutes"
    SAME_DAY_MEDICAL = "stop and rest; seen by a physician the same day"
    COOL_DOWN = "stop and cool; emergency call if confused"
    REVIEW = "stop; review within 72 hours"
    OBSTETRIC_SAME_DAY = "stop; obstetric review the same day"
    EMERGENCY = "stop; emergency call now"


@dataclass(frozen=True, slots=True, kw_only=True)
class RedFlag:
    """One red flag. `unless_settled` is the trigger while it lasts, `settled` the one once it is surely over.

    Every red flag pauses the program until cleared (section 3.6, return after a red flag).
    """

    code: str
    label: str
    action: Action
    unless_settled: Trigger
    settled: Trigger
    review_hours: int
    source: str


_EXERCISE_STOP = "Allina, Geisinger, ExRx and Sharecare exercise-stop pages"


def _emergency(code: str, label: str) -> RedFlag:
    return RedFlag(
        code=code,
        label=label,
        action=Action.EMERGENCY_UNLESS_GONE,
        unless_settled=Trigger.EMERGENCY_SIGN,
        settled=Trigger.SAME_DAY_SIGN,
        review_hours=0,
        source=_EXERCISE_STOP,
    )


def _urgent(code: str, label: str, action: Action, source: str = _EXERCISE_STOP) -> RedFlag:
    return RedFlag(
        code=code,
        label=label,
        action=action,
        unless_settled=Trigger.SAME_DAY_SIGN,
        settled=Trigger.SAME_DAY_SIGN,
        review_hours=24,
        source=source,
    )


def _always(code: str, label: str, action: Action, trigger: Trigger, review_hours: int, source: str) -> RedFlag:
    return RedFlag(
        code=code,
        label=label,
        action=action,
        unless_settled=trigger,
        settled=trigger,
        review_hours=review_hours,
        source=source,
    )


_FLAGS = (
    _emergency("RF_CHEST", "pain or pressure in chest, neck, jaw, arm or back"),
    _emergency("RF_SYNCOPE", "fainting"),
    _emergency("RF_NEURO", "confusion, speech or vision trouble, one-sided weakness, worst headache"),
    _emergency("RF_DYSPNOEA", "severe breathlessness at rest"),
    _urgent("RF_PALP", "palpitations or irregular pulse", Action.SAME_DAY_MEDICAL),
    _urgent("RF_DIZZY", "light-headedness", Action.SAME_DAY_MEDICAL),
    _urgent("RF_COLD", "cold sweat, pallor, cyanosis, nausea or vomiting", Action.SAME_DAY_MEDICAL),
    _urgent("RF_WHEEZE", "wheezing", Action.SAME_DAY_MEDICAL),
    _urgent("RF_CLAUD", "leg cramp on walking", Action.SAME_DAY_MEDICAL),
    _urgent("RF_HEAT", "cramps, headache or confusion in heat", Action.COOL_DOWN),
    _urgent("RF_LITHIUM", "coarse tremor, vomiting, diarrhoea or drowsiness on lithium", Action.COOL_DOWN),
    _always("RF_NMS", "fever with rigidity", Action.COOL_DOWN, Trigger.EMERGENCY_SIGN, 0, "Texas DSHS; section 2.6"),
    _always("RF_MSK", "sharp or joint pain, swelling", Action.REVIEW, Trigger.REVIEW_SIGN, 72, _EXERCISE_STOP),
    _urgent("RF_PREG", "warning sign in pregnancy", Action.OBSTETRIC_SAME_DAY, "ACOG 804; section 2.6"),
    _always("RF_DARKURINE", "brown urine with severe muscle pain", Action.EMERGENCY, Trigger.EMERGENCY_SIGN, 0,
            "rhabdomyolysis, general knowledge; confirm"),
)  # fmt: skip

RED_FLAGS: Mapping[str, RedFlag] = MappingProxyType({flag.code: flag for flag in _FLAGS})

NOT_A_FLAG = ("mild fatigue", "sweat", "soreness peaking at 24-48 hours")
"""Normal after exercise; never an alert."""


def red_flag(code: str) -> RedFlag:
    """The red flag with this code, or UnknownCode."""
    try:
        return RED_FLAGS[code]
    except KeyError:
        raise UnknownCode(f"no red flag is called {code!r}") from None


def trigger_of(code: str, *, ongoing: bool | None = None, confused: bool = False) -> Trigger:
    """The escalation trigger of a red flag; unknown whether it lasts (None) counts as lasting, confusion as E0."""
    flag = red_flag(code)
    if confused:
        return Trigger.EMERGENCY_SIGN
    return flag.settled if ongoing is False else flag.unless_settled
