"""Raw answers as given, checked against what the questionnaire offers, and turned into points."""

from collections.abc import Mapping, Sequence

from shared.clinical.questionnaire import Instrument, Item
from shared.clinical.refusals import AnswerRefused

Answers = Sequence[int | None] | Mapping[int, int | None]
"""In item order (unscored items last), or by item number from 1; None or absent means unanswered."""

Points = tuple[int | None, ...]


def read_answers(asked: Instrument, answers: Answers) -> tuple[Points, Points]:
    """The scored and the unscored answers in item order; AnswerRefused names the item, never the answer."""
    items = asked.items + asked.unscored
    listed = _listed(asked, answers) if isinstance(answers, Mapping) else list(answers)
    if len(listed) > len(items):
        raise AnswerRefused(f"{asked.id} has {len(items)} items")
    listed += [None] * (len(items) - len(listed))
    checked = tuple(_checked(asked, item, answer) for item, answer in zip(items, listed, strict=True))
    return checked[: len(asked.items)], checked[len(asked.items) :]


def points(asked: Instrument, answers: Points) -> Points:
    """Points per item after reversing the items that the instrument reverses."""
    return tuple(
        asked.maximum - answer if answer is not None and number in asked.reversed_items else answer
        for number, answer in enumerate(answers, 1)
    )


def _listed(asked: Instrument, answers: Mapping[int, int | None]) -> list[int | None]:
    numbers = [item.number for item in asked.items + asked.unscored]
    unknown = [number for number in answers if isinstance(number, bool) or number not in numbers]
    if unknown:
        raise AnswerRefused(f"{asked.id} has no item {', '.join(sorted(map(str, unknown)))}")
    return [answers.get(number) for number in numbers]


def _checked(asked: Instrument, item: Item, answer: object) -> int | None:
    if answer is None:
        return None
    # the unscored difficulty items offer as many answers as the scored ones, so one range holds for both
    if isinstance(answer, int) and not isinstance(answer, bool) and asked.minimum <= answer <= asked.maximum:
        return answer
    raise AnswerRefused(f"{asked.id} item {item.number} takes a whole number from {asked.minimum} to {asked.maximum}")
