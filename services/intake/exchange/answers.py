"""Finds the answers to questionnaire items in FHIR Observations and QuestionnaireResponses."""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from services.intake.exchange import codes
from services.intake.exchange.json_values import (
    Node,
    Unreadable,
    coding_of,
    loinc_codes,
    number_of,
    object_of,
    objects_of,
    text_of,
)

MOST_ITEMS = 2000
# A stated total beside items is kept even when it cannot be right; beyond this it is no total at all.
HIGHEST_STATED = 999


class Answers:
    """What a source says per LOINC code (answer, total or difficulty), and which panels it names."""

    def __init__(self) -> None:
        self.by_code: dict[str, int] = {}
        self.panels: set[str] = set()

    def add(self, code: str, node: Node) -> None:
        """Take what `node` (an Observation, a component or an answer) states for `code`; no value means unanswered."""
        if code in codes.PANELS:
            self.panels.add(code)
        elif code in codes.ANSWERABLE and _has_value(node):
            value = _value(code, node)
            if self.by_code.setdefault(code, value) != value:
                raise Unreadable(f"{code} is answered twice, and differently. Send the valid answer only.")


def questionnaire_codes(resource: Node) -> frozenset[str]:
    """Return which of our questionnaire codes an Observation carries, itself or in its components."""
    found = {*loinc_codes(resource)}
    for component in objects_of(resource, "component"):
        found.update(loinc_codes(component))
    return codes.QUESTIONNAIRE_CODES & found


def answers_of_observations(resources: Iterable[Node]) -> Answers:
    """Return the answers in a panel's Observation and its members."""
    answers = Answers()
    for resource in resources:
        for node in (resource, *objects_of(resource, "component")):
            for code in loinc_codes(node):
                answers.add(code, node)
    return answers


def answers_of_response(resource: Node) -> Answers:
    """Return the answers in a QuestionnaireResponse, whose items may stand in groups and below answers."""
    canonical = text_of(resource, "questionnaire", 500) or ""
    links = codes.LINKS_BY_QUESTIONNAIRE.get(canonical.partition("|")[0], {})
    answers = Answers()
    for item in _items(resource):
        for code in _codes_of_item(item, links):
            answers.add(code, {})
            for answer in objects_of(item, "answer"):
                answers.add(code, answer)
    return answers


def _items(resource: Node) -> Iterator[Node]:
    """All items at any depth, in order, without recursion."""
    waiting = [*reversed(objects_of(resource, "item"))]
    seen = 0
    while waiting:
        item = waiting.pop()
        seen += 1
        if seen > MOST_ITEMS:
            raise Unreadable(f"The response has more than {MOST_ITEMS} items. Send the questionnaires one by one.")
        yield item
        below = [*objects_of(item, "item")]
        for answer in objects_of(item, "answer"):
            below.extend(objects_of(answer, "item"))
        waiting.extend(reversed(below))


def _codes_of_item(item: Node, links: Mapping[str, str]) -> frozenset[str]:
    """The LOINC codes of an item: by its code, its known questionnaire, or its linkId (a path such as /44250-9)."""
    link = text_of(item, "linkId", 500) or ""
    stated = (coding_of(node) for node in objects_of(item, "code"))
    loinc = {coding.code for coding in stated if coding is not None and coding.system == codes.LOINC}
    own = loinc or {links.get(link) or link.rpartition("/")[2]}
    return codes.QUESTIONNAIRE_CODES & (own | (codes.PANELS.keys() & set(link.split("/"))))


def _has_value(node: Node) -> bool:
    return any(key.startswith("value") and value is not None for key, value in node.items() if isinstance(key, str))


def _value(code: str, node: Node) -> int:
    if code in codes.TOTALS:
        return _whole({*_numbers(node)}, HIGHEST_STATED, f"The total {code}")
    table = codes.DIFFICULTY_ANSWERS if code in codes.DIFFICULTIES else codes.ITEM_ANSWERS
    stated = {*_numbers(node), *_coded(node, table)}
    return _whole(stated, codes.HIGHEST_ANSWER, f"The answer to {code}")


def _whole(stated: set[Decimal], highest: int, name: str) -> int:
    """The one whole number among what was stated; never clamped or rounded (clinical-rules 1.5)."""
    if not stated:
        raise Unreadable(f"{name} is not understood. Send it as a LOINC answer (LA code) or as a number.")
    if len(stated) > 1:
        raise Unreadable(f"{name} is stated by code and by number, and differently. Send the valid answer only.")
    value = stated.pop()
    if value != value.to_integral_value() or not 0 <= value <= highest:
        raise Unreadable(f"{name} is not a whole number from 0 to {highest}. Correct it and send it again.")
    return int(value)


def _numbers(node: Node) -> Iterator[Decimal]:
    quantity = object_of(node, "valueQuantity") or {}
    if text_of(quantity, "comparator") is not None:
        raise Unreadable("An answer or total is only a bound (more or less than). Send the number itself.")
    found = (number_of(node, "valueInteger"), number_of(node, "valueDecimal"), number_of(quantity, "value"))
    return (number for number in found if number is not None)


def _coded(node: Node, table: Mapping[tuple[str | None, str], int]) -> Iterator[Decimal]:
    single: Any = object_of(node, "valueCoding")
    concept = object_of(node, "valueCodeableConcept") or {}
    for coding in (*objects_of(concept, "coding"), *([single] if single is not None else ())):
        read = coding_of(coding)
        if read is not None and (read.system, read.code) in table:
            yield Decimal(table[read.system, read.code])
        for extension in objects_of(coding, "extension"):
            weight = number_of(extension, "valueDecimal")
            if text_of(extension, "url") in codes.ORDINAL_EXTENSIONS and weight is not None:
                yield weight
