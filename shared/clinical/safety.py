"""Safety triggers that are read from answers and words before any total exists, also from partial answers."""

from collections.abc import Sequence
from enum import StrEnum

from shared.clinical.questionnaire import Instrument
from shared.clinical.rules import DEFAULT, Rules

ITEM_9 = 8
"""Index of the PHQ-9 item on thoughts of death or self-harm."""


class Flag(StrEnum):
    """A safety trigger of section 1.7. The absence of a flag is no proof of safety."""

    SI_POSITIVE = "SI_POSITIVE"
    SI_UNKNOWN = "SI_UNKNOWN"
    SI_WORSENING = "SI_WORSENING"
    CRISIS_SELF_REPORT = "CRISIS_SELF_REPORT"
    CSSRS_HIGH = "CSSRS_HIGH"
    CSSRS_MODERATE = "CSSRS_MODERATE"
    CSSRS_LOW = "CSSRS_LOW"
    CSSRS_INCOMPLETE = "CSSRS_INCOMPLETE"


class Prompt(StrEnum):
    """What to ask next, within the same contact."""

    ASK_ITEM_9 = "ASK_ITEM_9"
    ASK_CSSRS = "ASK_CSSRS"
    ASK_PHQ9 = "ASK_PHQ9"
    REPEAT_MISSING = "REPEAT_MISSING"


def phq9_flags(answers: Sequence[int | None], previous_item_9: int | None = None) -> tuple[Flag, ...]:
    """Flags of PHQ-9 item 9 (section 1.7); `answers` in item order, None = unanswered, possibly fewer than nine."""
    item_9 = answers[ITEM_9] if len(answers) > ITEM_9 else None
    if item_9 is None:
        return (Flag.SI_UNKNOWN,)
    flags = [Flag.SI_POSITIVE] if item_9 >= 1 else []
    if previous_item_9 is not None and item_9 > previous_item_9:
        flags.append(Flag.SI_WORSENING)
    return tuple(flags)


def triggers(
    instrument: Instrument, answers: Sequence[int | None], previous: Sequence[int | None] | None = None
) -> tuple[Flag, ...]:
    """Safety flags that the answers to one questionnaire raise by themselves; `previous` = the answers of last time."""
    if instrument.id != "PHQ9":
        return ()
    last = previous[ITEM_9] if previous is not None and len(previous) > ITEM_9 else None
    return phq9_flags(answers, last)


def prompts(flags: Sequence[Flag]) -> tuple[Prompt, ...]:
    """What the flags demand to be asked in the same contact (section 1.7)."""
    asks = [Prompt.ASK_ITEM_9] if Flag.SI_UNKNOWN in flags else []
    if {Flag.SI_UNKNOWN, Flag.SI_POSITIVE, Flag.SI_WORSENING} & set(flags):
        asks.append(Prompt.ASK_CSSRS)
    return tuple(asks)


def crisis_flags(*, unsafe: bool = False, words: str = "", rules: Rules = DEFAULT) -> tuple[Flag, ...]:
    """CRISIS_SELF_REPORT when the person says to be unsafe or free text holds a crisis word (section 1.7).

    Matching ignores case and line breaks and takes whole words only; it complements the button, never replaces it.
    """
    text = f" {' '.join(''.join(c if c.isalnum() else ' ' for c in words.casefold()).split())} "
    said = any(f" {word.casefold().replace('-', ' ')} " in text for word in rules.safety.crisis_words)
    return (Flag.CRISIS_SELF_REPORT,) if unsafe or said else ()
