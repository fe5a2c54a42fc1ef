"""Turns found answers into PHQ-9, PHQ-2 and GAD-7, keeping stated and recomputed totals side by side."""

from collections.abc import Iterable, Iterator

from services.intake.exchange.answers import Answers, answers_of_observations, answers_of_response
from services.intake.exchange.codes import (
    DIFFICULTIES,
    HIGHEST_ANSWER,
    INSTRUMENTS,
    RESPONSE_LEFT,
    RESPONSE_TAKEN,
    item_codes,
)
from services.intake.exchange.document import Entry, identity_of
from services.intake.exchange.facts import ImportedQuestionnaire, ItemAnswer, Moment
from services.intake.exchange.json_values import Node, NotUsed, Unreadable
from services.intake.exchange.records import used_status
from services.intake.exchange.times import Calendar
from shared.clinical.instruments import GAD7, PHQ2, PHQ9
from shared.clinical.questionnaire import Instrument

NOTHING = "It holds no answer to PHQ-9, PHQ-2 or GAD-7."


def read_panel(
    entry: Entry, resource: Node, members: Iterable[Node], patient: str, calendar: Calendar
) -> tuple[ImportedQuestionnaire, ...]:
    """Return the questionnaires in an Observation and its members; NotUsed where nothing is answered."""
    effective = calendar.effective(resource)
    return _questionnaires(entry, answers_of_observations((resource, *members)), patient, effective)


def read_response(entry: Entry, resource: Node, patient: str, calendar: Calendar) -> tuple[ImportedQuestionnaire, ...]:
    """Return the questionnaires in a QuestionnaireResponse; NotUsed if unfinished or of another kind."""
    answers = answers_of_response(resource)
    if not answers.by_code:
        raise NotUsed(NOTHING)
    used_status(resource, "status", RESPONSE_TAKEN, RESPONSE_LEFT)
    authored = calendar.moment(resource, "authored")
    if authored is None:
        raise Unreadable("authored is missing: when was it answered? Add it and send the response again.")
    return _questionnaires(entry, answers, patient, authored)


def _questionnaires(
    entry: Entry, answers: Answers, patient: str, effective: Moment
) -> tuple[ImportedQuestionnaire, ...]:
    present = tuple(_present(answers))
    if not present:
        raise NotUsed(NOTHING)
    # The difficulty question closes the form: it belongs to the first instrument that asks it.
    owner_of_difficulty = next((instrument for instrument in present if instrument is not PHQ2), None)
    return tuple(
        _questionnaire(entry, instrument, answers, patient, effective, instrument is owner_of_difficulty)
        for instrument in present
    )


def _present(answers: Answers) -> Iterator[Instrument]:
    """The instruments that were answered; items 1 and 2 alone are PHQ-2 only where its panel or total says so."""
    stated = answers.by_code.keys()
    is_phq2 = PHQ2.total_loinc in stated or PHQ2.panel_loinc in answers.panels
    own_of_phq9 = {PHQ9.total_loinc, *item_codes(PHQ9)} - {*item_codes(PHQ2)}
    only_shared = not stated & own_of_phq9 and PHQ9.panel_loinc not in answers.panels
    for instrument in INSTRUMENTS:
        is_meant = not (is_phq2 and only_shared) if instrument is PHQ9 else is_phq2 or instrument is GAD7
        if is_meant and stated & {instrument.total_loinc, *item_codes(instrument)}:
            yield instrument


def _questionnaire(
    entry: Entry, instrument: Instrument, answers: Answers, patient: str, effective: Moment, with_difficulty: bool
) -> ImportedQuestionnaire:
    source = entry.source()
    items = tuple(
        ItemAnswer(number, loinc, answers.by_code[loinc])
        for number, loinc in enumerate(item_codes(instrument), start=1)
        if loinc in answers.by_code
    )
    stated = answers.by_code.get(instrument.total_loinc or "")
    if not items and stated is not None and stated > instrument.highest_total:
        raise Unreadable(
            f"{instrument.id} has no total above {instrument.highest_total}. Correct it and send it again."
        )
    return ImportedQuestionnaire(
        identity=identity_of(patient, source.resource_type, source.resource_id, instrument.id),
        source=source,
        instrument=instrument.id,
        items=items,
        stated_total=stated,
        recomputed_total=_sum(items) if len(items) == len(instrument.items) else None,
        contradicts=_contradicts(instrument, items, stated),
        difficulty=_difficulty(answers) if with_difficulty else None,
        effective=effective,
    )


def _contradicts(instrument: Instrument, items: tuple[ItemAnswer, ...], stated: int | None) -> bool:
    """Whether no answers to the missing items could make the stated total right."""
    if stated is None or not items:
        return False
    missing = len(instrument.items) - len(items)
    return not _sum(items) <= stated <= _sum(items) + HIGHEST_ANSWER * missing


def _difficulty(answers: Answers) -> int | None:
    stated = {answers.by_code[code] for code in DIFFICULTIES & answers.by_code.keys()}
    if len(stated) > 1:
        raise Unreadable("The difficulty is answered twice, and differently. Send the valid answer only.")
    return next(iter(stated), None)


def _sum(items: tuple[ItemAnswer, ...]) -> int:
    return sum(item.answer for item in items)
