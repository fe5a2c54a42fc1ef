"""Whom a person in crisis can call: shown in the very answer to an entry that asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from shared.clinical.escalation import US_CRISIS_CARD


@dataclass(frozen=True, kw_only=True)
class CrisisText:
    """What to do now, in words, with the numbers of the locale where they are known."""

    text: str
    call_or_text: str | None = None
    emergency: str | None = None


NEUTRAL = CrisisText(
    text=(
        "This cannot wait for your care team. Call your local emergency number now, or go to the nearest emergency "
        "department. Stop exercising. If you can, let somebody be with you."
    )
)

CRISIS_TEXTS: Mapping[str, CrisisText] = MappingProxyType(
    {
        US_CRISIS_CARD.locale.casefold(): CrisisText(
            text=(
                f"This cannot wait for your care team. If your life is in danger or a symptom lasts, call "
                f"{US_CRISIS_CARD.emergency} now. If you do not feel safe, call or text {US_CRISIS_CARD.call_or_text} "
                f"at any hour. Stop exercising. If you can, let somebody be with you."
            ),
            call_or_text=US_CRISIS_CARD.call_or_text,
            emergency=US_CRISIS_CARD.emergency,
        )
    }
)
"""By locale (BCP 47, case-folded); a deployment adds its own. Source: clinical rules 1.7."""


def crisis_text(locale: str, texts: Mapping[str, CrisisText] = CRISIS_TEXTS) -> CrisisText:
    """Give the text of a locale; a neutral one where no numbers are known, for a wrong number is worse than none."""
    return texts.get(locale.casefold(), NEUTRAL)
