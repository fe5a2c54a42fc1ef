"""The C-SSRS screener: which items are reached, and the risk tier (section 1.6)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from shared.clinical.refusals import AnswerRefused
from shared.clinical.rules import DEFAULT, Rules
from shared.clinical.safety import Flag

Answer = bool | int | None

QUESTIONS = ("q1", "q2", "q3", "q4", "q5", "q6_life", "q6_3mo")
"""Items in order; the sixth has two parts, lifetime and past three months."""


class Tier(StrEnum):
    """Risk tier. One open repository puts question 4 in moderate; that is rejected (section 1.6)."""

    NONE = "none"
    LOW = "low"
    MODERATE = "moderate"
    HIGH = "high"


_FLAG = {Tier.HIGH: Flag.CSSRS_HIGH, Tier.MODERATE: Flag.CSSRS_MODERATE, Tier.LOW: Flag.CSSRS_LOW}


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """The reading of one screener.

    `tier` is what the answers so far establish, at least; it is final only when `complete`. An incomplete screener
    is an open safety task whatever its tier. `asked` are the items that the branching reaches, `unanswered` those
    of them still without an answer.
    """

    answers: tuple[bool | None, ...]
    asked: tuple[str, ...]
    unanswered: tuple[str, ...]
    tier: Tier
    flags: tuple[Flag, ...]
    rule_set: str

    @property
    def complete(self) -> bool:
        """Whether every reachable item is answered."""
        return not self.unanswered


def screen(answers: Mapping[str, Answer] | Sequence[Answer], *, rules: Rules = DEFAULT) -> Screen:
    """Read a screener: yes/no (or 1/0) by name of QUESTIONS or in their order; None or absent = unanswered.

    Answers to items that the branching does not reach still count towards the tier: a yes is never discarded.
    """
    given = _by_question(answers)
    asked = _asked(given)
    unanswered = tuple(question for question in asked if given[question] is None)
    tier = _tier(given)
    flags = [_FLAG[tier]] if tier in _FLAG else []
    if unanswered:
        flags.append(Flag.CSSRS_INCOMPLETE)
    return Screen(
        answers=tuple(given[question] for question in QUESTIONS),
        asked=asked,
        unanswered=unanswered,
        tier=tier,
        flags=tuple(flags),
        rule_set=rules.version,
    )


def _by_question(answers: Mapping[str, Answer] | Sequence[Answer]) -> dict[str, bool | None]:
    if not isinstance(answers, Mapping):
        if len(answers) > len(QUESTIONS):
            raise AnswerRefused(f"the screener has {len(QUESTIONS)} items")
        answers = dict(zip(QUESTIONS, answers, strict=False))
    unknown = set(answers) - set(QUESTIONS)
    if unknown:
        raise AnswerRefused(f"the screener has no item {', '.join(sorted(map(str, unknown)))}")
    return {question: _yes_or_no(question, answers.get(question)) for question in QUESTIONS}


def _yes_or_no(question: str, answer: Answer) -> bool | None:
    if answer is None or isinstance(answer, bool):
        return answer
    if not isinstance(answer, int) or answer not in (0, 1):
        raise AnswerRefused(f"{question} takes yes or no")
    return answer == 1


def _asked(given: Mapping[str, bool | None]) -> tuple[str, ...]:
    follow_ups = ("q3", "q4", "q5") if given["q2"] else ()
    recent = ("q6_3mo",) if given["q6_life"] else ()
    return ("q1", "q2", *follow_ups, "q6_life", *recent)


def _tier(given: Mapping[str, bool | None]) -> Tier:
    if given["q4"] or given["q5"] or given["q6_3mo"]:
        return Tier.HIGH
    if given["q3"] or given["q6_life"]:
        return Tier.MODERATE
    return Tier.LOW if given["q1"] or given["q2"] else Tier.NONE
