"""From raw answers to a score: safety first, then total, band, screen result and findings."""

from dataclasses import dataclass

from shared.clinical import cssrs, safety
from shared.clinical.answers import Answers, Points, points, read_answers
from shared.clinical.findings import Finding, Result, findings, positive
from shared.clinical.instruments import instrument
from shared.clinical.questionnaire import Instrument, Method
from shared.clinical.rules import DEFAULT, Rules
from shared.clinical.safety import Flag, Prompt
from shared.clinical.totals import Status, total

PROMPTING_WELLBEING_ITEM = 1  # psypack: any WHO-5 item of 0 or 1 also prompts a PHQ-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One scored questionnaire, with its raw answers and the version of the rule set that scored it.

    `total` is None when incomplete or invalid; for WHO-5 it is the raw sum and `percent` the 0-100 figure that bands
    and cuts use; for ASRS it is the number of positive items; C-SSRS has none and its tier as `band`.
    `band_validated` is False where bands are popular but not the author's: show such a band as relative only.
    `flags` are raised whatever the status.
    """

    instrument: str
    instrument_version: str
    rule_set: str
    answers: Points
    unscored: Points = ()
    missing: int
    status: Status
    reason: str | None = None
    total: int | None = None
    percent: int | None = None
    band: str | None = None
    band_validated: bool = True
    positive: Result | None = None
    flags: tuple[Flag, ...] = ()
    prompts: tuple[Prompt, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def provisional(self) -> bool:
        """Whether the total was prorated, or the result stands although items are missing."""
        return self.status is Status.PROVISIONAL

    def finding(self, code: str) -> str | int | None:
        """The value of the finding with this code, or None."""
        return next((each.value for each in self.findings if each.code == code), None)


def score(
    questionnaire: Instrument | str,
    answers: Answers,
    *,
    previous: Answers | None = None,
    reversed_answers: bool = False,
    rules: Rules = DEFAULT,
) -> Score:
    """Score `answers` (shape: see Answers). AnswerRefused for an answer that is not offered.

    `previous` are the answers of last time, for SI_WORSENING. `reversed_answers` says that the answers come already
    reverse-scored, as the LOINC answer lists of the PSS are.
    """
    asked = questionnaire if isinstance(questionnaire, Instrument) else instrument(questionnaire)
    scored, unscored = read_answers(asked, answers)
    last = read_answers(asked, previous)[0] if previous is not None else None
    flags = safety.triggers(asked, scored, last)
    if asked.method is Method.BRANCHING:
        return _screened(asked, scored, rules)
    return _summed(asked, scored, unscored, flags, scored if reversed_answers else points(asked, scored), rules)


def _summed(
    asked: Instrument, scored: Points, unscored: Points, flags: tuple[Flag, ...], counted: Points, rules: Rules
) -> Score:
    summed = total(asked, counted, rules)
    is_percent = asked.method is Method.PERCENT
    scale = summed.value * 4 if is_percent and summed.value is not None else summed.value
    screened = positive(asked, counted, scale, rules)
    decided = summed.status is Status.INCOMPLETE and screened in (Result.POSITIVE, Result.NEGATIVE)
    status = Status.PROVISIONAL if decided else summed.status
    return Score(
        instrument=asked.id,
        instrument_version=asked.version,
        rule_set=rules.version,
        answers=scored,
        unscored=unscored,
        missing=scored.count(None),
        status=status,
        reason=summed.reason,
        total=summed.value,
        percent=scale if is_percent else None,
        band=None if scale is None else asked.band(scale),
        band_validated=asked.bands_validated,
        positive=screened,
        flags=flags,
        prompts=safety.prompts(flags) + _prompts(asked, scored, screened, status),
        findings=findings(asked, counted, summed.value),
    )


def _prompts(asked: Instrument, scored: Points, screened: Result | None, status: Status) -> tuple[Prompt, ...]:
    asks = []
    low_item = any(answer is not None and answer <= PROMPTING_WELLBEING_ITEM for answer in scored)
    if asked.id == "PHQ2" and screened is Result.POSITIVE:
        asks.append(Prompt.ASK_PHQ9)
    if asked.id == "WHO5" and (screened is Result.POSITIVE or low_item):
        asks.append(Prompt.ASK_PHQ9)
    if status in (Status.INCOMPLETE, Status.INVALID):
        asks.append(Prompt.REPEAT_MISSING)
    return tuple(asks)


def _screened(asked: Instrument, answers: Points, rules: Rules) -> Score:
    screen = cssrs.screen(answers, rules=rules)
    at_risk = screen.tier is not cssrs.Tier.NONE
    unclear = Result.NEGATIVE if screen.complete else Result.INDETERMINATE
    return Score(
        instrument=asked.id,
        instrument_version=asked.version,
        rule_set=rules.version,
        answers=answers,
        missing=len(screen.unanswered),
        status=Status.COMPLETE if screen.complete else Status.INCOMPLETE,
        reason=None if screen.complete else f"unanswered: {', '.join(screen.unanswered)}; an open safety task",
        band=screen.tier if screen.complete else None,
        positive=Result.POSITIVE if at_risk else unclear,
        flags=screen.flags,
        prompts=() if screen.complete else (Prompt.REPEAT_MISSING,),
        findings=(Finding(code="tier", value=screen.tier, source="HL7 us-behavioral-health-profiles@7ad613c"),),
    )
