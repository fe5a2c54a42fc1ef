"""Who may start exercising without a physician: the ACSM truth table and the life of a clearance (section 2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from types import MappingProxyType

from shared.clinical.conclusion import Cap, Condition, ConditionCode, Gate, GateName, Permission
from shared.clinical.refusals import MeasureRefused, Under18
from shared.clinical.rules import DEFAULT, Rules

SOURCE = "ACSM 2015 algorithm (Riebe 2015 MSSE 47:2473), third-party transcriptions acsm-app and acsm-streamlit"


class Wish(StrEnum):
    """The intensity that the person wants to reach."""

    LIGHT_MODERATE = "light-moderate"
    VIGOROUS = "vigorous"


class Need(StrEnum):
    """What the table says about medical clearance."""

    NOT_NEEDED = "not-needed"
    NEEDED = "needed-before-any"
    NEEDED_FOR_VIGOROUS = "needed-for-vigorous"
    STOP_AND_NEEDED = "stop-and-needed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the truth table: caps without and with a valid clearance, and whether the start is gradual."""

    number: int
    active: bool
    disease: bool
    symptoms: bool
    wish: Wish
    need: Need
    cap: Cap
    cleared_cap: Cap
    gradual: bool = False


def _row(number: int, answers: str, wish: str, need: Need, cap: Cap, cleared: Cap, gradual: bool = False) -> Row:
    active, disease, symptoms = (letter == "Y" for letter in answers)
    wanted = Wish.VIGOROUS if wish == "V" else Wish.LIGHT_MODERATE
    return Row(
        number=number,
        active=active,
        disease=disease,
        symptoms=symptoms,
        wish=wanted,
        need=need,
        cap=cap,
        cleared_cap=cleared,
        gradual=gradual,
    )


# letters: active, disease, symptoms. After a STOP the table names no cap; light to moderate is the careful reading.
TABLE = (
    _row(1, "NNN", "LM", Need.NOT_NEEDED, Cap.MODERATE, Cap.MODERATE),
    _row(2, "NNN", "V", Need.NOT_NEEDED, Cap.MODERATE, Cap.MODERATE, gradual=True),
    _row(3, "NYN", "LM", Need.NEEDED, Cap.NONE, Cap.MODERATE),
    _row(4, "NYN", "V", Need.NEEDED, Cap.NONE, Cap.MODERATE, gradual=True),
    _row(5, "NNY", "LM", Need.NEEDED, Cap.NONE, Cap.MODERATE),
    _row(6, "NNY", "V", Need.NEEDED, Cap.NONE, Cap.MODERATE, gradual=True),
    _row(7, "NYY", "LM", Need.NEEDED, Cap.NONE, Cap.MODERATE),
    _row(8, "NYY", "V", Need.NEEDED, Cap.NONE, Cap.MODERATE, gradual=True),
    _row(9, "YNN", "LM", Need.NOT_NEEDED, Cap.MODERATE, Cap.MODERATE),
    _row(10, "YNN", "V", Need.NOT_NEEDED, Cap.VIGOROUS, Cap.VIGOROUS, gradual=True),
    _row(11, "YYN", "LM", Need.NOT_NEEDED, Cap.MODERATE, Cap.MODERATE),
    _row(12, "YYN", "V", Need.NEEDED_FOR_VIGOROUS, Cap.MODERATE, Cap.VIGOROUS),
    _row(13, "YNY", "LM", Need.STOP_AND_NEEDED, Cap.NONE, Cap.MODERATE),
    _row(14, "YNY", "V", Need.STOP_AND_NEEDED, Cap.NONE, Cap.MODERATE, gradual=True),
    _row(15, "YYY", "LM", Need.STOP_AND_NEEDED, Cap.NONE, Cap.MODERATE),
    _row(16, "YYY", "V", Need.STOP_AND_NEEDED, Cap.NONE, Cap.MODERATE, gradual=True),
)

_BY_ANSWERS: Mapping[tuple[bool, bool, bool, Wish], Row] = MappingProxyType(
    {(row.active, row.disease, row.symptoms, row.wish): row for row in TABLE}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clearance:
    """A physician's written clearance. `limit` None = without limits.

    `changed_since` is True once signs, symptoms or health changed after it was given; that ends it at once.
    """

    given_on: date
    valid_until: date | None = None
    limit: Cap | None = None
    changed_since: bool = False

    def stands(self, on: date, *, rules: Rules = DEFAULT) -> bool:
        """Whether it may be relied on that day: given, not expired (365 days at most), nothing changed, some cap."""
        until = self.expires_on(rules=rules)
        return not self.changed_since and self.limit is not Cap.NONE and self.given_on <= on <= until

    def expires_on(self, *, rules: Rules = DEFAULT) -> date:
        """The last day on which it can stand: the physician's own date or 365 days after giving, the earlier."""
        latest = self.given_on + timedelta(days=rules.clearance.valid_days)
        return latest if self.valid_until is None else min(latest, self.valid_until)


def row_of(active: bool | None, disease: bool | None, symptoms: bool | None, wish: Wish) -> Row:
    """The row of the truth table; unknown disease or symptoms count as yes, unknown activity as no (section 2.2)."""
    return _BY_ANSWERS[(active is True, disease is not False, symptoms is not False, wish)]


def acsm_gate(
    *,
    active: bool | None,
    disease: bool | None,
    symptoms: bool | None,
    wish: Wish,
    on: date,
    clearance: Clearance | None = None,
    rules: Rules = DEFAULT,
) -> Gate:
    """Judge the truth table on a day. Reason ACSM_ROW_n, with _CLEARED where a standing clearance lifted it."""
    row = row_of(active, disease, symptoms, wish)
    cleared = row.need is not Need.NOT_NEEDED and clearance is not None and clearance.stands(on, rules=rules)
    limit = clearance.limit if cleared and clearance is not None else None
    cap = row.cleared_cap if cleared else row.cap
    blocked = row.need in (Need.NEEDED, Need.STOP_AND_NEEDED) and not cleared
    answers = {"active": active, "disease": disease, "symptoms": symptoms}
    return Gate(
        gate=GateName.ACSM,
        reason=f"ACSM_ROW_{row.number}" + ("_CLEARED" if cleared else ""),
        permission=Permission.CLEARANCE_NEEDED if blocked else Permission.READY,
        cap=cap if limit is None else min(cap, limit),
        conditions=_conditions(row, cleared),
        because=tuple(f"{name} unknown" for name, answer in answers.items() if answer is None),
        source=SOURCE,
        rule_set=rules.version,
    )


def _conditions(row: Row, cleared: bool) -> tuple[Condition, ...]:
    codes = []
    if row.gradual:
        codes.append(ConditionCode.PROGRESS_GRADUALLY)
    if not cleared and row.need is Need.STOP_AND_NEEDED:
        codes.append(ConditionCode.STOP_EXERCISE)
    if not cleared and row.need in (Need.NEEDED, Need.STOP_AND_NEEDED):
        codes.append(ConditionCode.PHYSICIAN_CLEARANCE)
    if not cleared and row.need is Need.NEEDED_FOR_VIGOROUS:
        codes.append(ConditionCode.CLEARANCE_FOR_VIGOROUS)
    return tuple(Condition(code=code) for code in codes)


def age_on(birth_date: date, on: date) -> int:
    """Completed years of life on a day; who was born on 29 February turns a year older on 1 March."""
    if on < birth_date:
        raise MeasureRefused("the birth date lies after the date in question")
    return on.year - birth_date.year - ((on.month, on.day) < (birth_date.month, birth_date.day))


def require_adult(birth_date: date, on: date, *, rules: Rules = DEFAULT) -> int:
    """The age on a day, or Under18: every rule here is for adults (section 7)."""
    age = age_on(birth_date, on)
    if age < rules.clearance.adult_age:
        raise Under18(f"this screening is for adults of {rules.clearance.adult_age} and over")
    return age
