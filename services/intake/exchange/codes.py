"""Every code that the import knows, each table beside its source; no other file here names a code."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from services.intake.exchange.facts import MeasureKind
from shared.clinical.instruments import GAD7, PHQ2, PHQ9
from shared.clinical.questionnaire import Instrument

LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
IDENTIFIER_KINDS = "http://terminology.hl7.org/CodeSystem/v2-0203"

BUNDLE_TYPES = frozenset({"transaction", "collection", "searchset"})

# Government numbers (HL7 v2-0203: social security, driver's licence, passport) never become an identity of ours.
GOVERNMENT_NUMBERS = frozenset({"SS", "DL", "PPN"})
MEDICAL_RECORD = "MR"

# Status codes: FHIR R4 value sets. Observation: standards 1.3 (preliminary and unknown are excluded).
GENDERS = frozenset({"male", "female", "other", "unknown"})
OBSERVATION_TAKEN = frozenset({"final", "amended", "corrected"})
OBSERVATION_LEFT = frozenset({"registered", "preliminary", "cancelled", "entered-in-error", "unknown"})
RESPONSE_TAKEN = frozenset({"completed", "amended", "stopped"})
RESPONSE_LEFT = frozenset({"in-progress", "entered-in-error"})
MEDICATION_TAKEN = frozenset({"active", "on-hold", "cancelled", "completed", "stopped"})
MEDICATION_LEFT = frozenset({"draft", "entered-in-error", "unknown"})
INTENT_TAKEN = frozenset({"order", "plan", "original-order", "reflex-order", "filler-order", "instance-order"})
INTENT_LEFT = frozenset({"proposal", "option"})
CONDITION_CLINICAL = frozenset({"active", "recurrence", "relapse", "inactive", "remission", "resolved"})
CONDITION_VERIFICATION = frozenset({"unconfirmed", "provisional", "differential", "confirmed"})
ALLERGY_CLINICAL = frozenset({"active", "inactive", "resolved"})
ALLERGY_VERIFICATION = frozenset({"unconfirmed", "confirmed"})
VERIFICATION_LEFT = frozenset({"refuted", "entered-in-error"})
ALLERGY_KINDS = frozenset({"allergy", "intolerance"})
ALLERGY_CATEGORIES = frozenset({"food", "medication", "environment", "biologic"})
CRITICALITIES = frozenset({"low", "high", "unable-to-assess"})


@dataclass(frozen=True, slots=True)
class MeasureRule:
    """How one kind of measure is read: `units` has the factor from each known UCUM unit to ours."""

    kind: MeasureKind
    unit: str
    units: Mapping[str, Decimal]
    lowest: Decimal
    highest: Decimal


ONE = Decimal(1)
# Factors: UCUM's definitions (m[Hg] = 133.322 kPa, [in_i] = 2.54 cm, [ft_i] = 12 [in_i], [lb_av] = 453.59237 g,
# [oz_av] = [lb_av]/16). Days and minutes: clinical-rules 3.1. The other limits are what a living body can show.
PRESSURE = {"mm[Hg]": ONE, "kPa": Decimal(1000) / Decimal("133.322")}
RATE = {"/min": ONE, "1/min": ONE}
LENGTH = {"cm": ONE, "m": Decimal(100), "mm": Decimal("0.1"), "[in_i]": Decimal("2.54"), "[ft_i]": Decimal("30.48")}
MASS = {
    "kg": ONE,
    "g": Decimal("0.001"),
    "[lb_av]": Decimal("0.45359237"),
    "[oz_av]": Decimal("0.45359237") / 16,
}
DAYS_A_WEEK = {"d/wk": ONE}
MINUTES_A_DAY = {"min/d": ONE, "h/d": Decimal(60)}
MINUTES_A_WEEK = {"min/wk": ONE, "h/wk": Decimal(60)}

BLOOD_PRESSURE = MeasureRule(MeasureKind.BLOOD_PRESSURE, "mm[Hg]", PRESSURE, Decimal(10), Decimal(400))
# 85354-9: clinical-rules 1.2; 55284-4: the panel of Synthea of 2019 (smart-synthea-r4-mentalhealth, SOURCE.md).
BLOOD_PRESSURE_PANELS = frozenset({"85354-9", "55284-4"})
SYSTOLIC = "8480-6"
DIASTOLIC = "8462-4"

HEART_RATES = Decimal(10), Decimal(400)
WEIGHT = MeasureRule(MeasureKind.WEIGHT, "kg", MASS, Decimal("0.2"), Decimal(700))
# Heart rates, exercise vital sign: clinical-rules 1.2, standards 1.2. Height, weight: the codes of the data in use.
MEASURES: Mapping[str, MeasureRule] = {
    "8867-4": MeasureRule(MeasureKind.HEART_RATE, "/min", RATE, *HEART_RATES),
    "40443-4": MeasureRule(MeasureKind.RESTING_HEART_RATE, "/min", RATE, *HEART_RATES),
    "8302-2": MeasureRule(MeasureKind.HEIGHT, "cm", LENGTH, Decimal(15), Decimal(280)),
    "29463-7": WEIGHT,
    "3141-9": WEIGHT,
    "89555-7": MeasureRule(MeasureKind.EXERCISE_DAYS_PER_WEEK, "d/wk", DAYS_A_WEEK, Decimal(0), Decimal(7)),
    "68516-4": MeasureRule(MeasureKind.EXERCISE_MINUTES_PER_DAY, "min/d", MINUTES_A_DAY, Decimal(0), Decimal(1440)),
    "82290-8": MeasureRule(MeasureKind.EXERCISE_MINUTES_PER_WEEK, "min/wk", MINUTES_A_WEEK, Decimal(0), Decimal(10080)),
    "82291-6": MeasureRule(MeasureKind.STRENGTH_DAYS_PER_WEEK, "d/wk", DAYS_A_WEEK, Decimal(0), Decimal(7)),
}

# Words that senders write in Quantity.unit where they leave out the UCUM code.
UNIT_WORDS: Mapping[str, str] = {
    "mmHg": "mm[Hg]",
    "bpm": "/min",
    "beats/min": "/min",
    "beats/minute": "/min",
    "beats per minute": "/min",
    "in": "[in_i]",
    "lb": "[lb_av]",
    "lbs": "[lb_av]",
    "days per week": "d/wk",
    "minutes per day": "min/d",
    "minutes per week": "min/wk",
}


# The instruments, their items and LOINC codes stand in shared.clinical (clinical-rules 1.2).
INSTRUMENTS = (PHQ9, PHQ2, GAD7)
PANELS = {instrument.panel_loinc: instrument for instrument in INSTRUMENTS if instrument.panel_loinc}
TOTALS = {instrument.total_loinc: instrument for instrument in INSTRUMENTS if instrument.total_loinc}


def item_codes(instrument: Instrument) -> tuple[str, ...]:
    """Return the LOINC codes of the scored items, in their order."""
    return tuple(item.loinc for item in instrument.items if item.loinc)


HIGHEST_ANSWER = PHQ9.maximum
ITEMS = frozenset(item_codes(PHQ9) + item_codes(GAD7))
# 69722-7: clinical-rules 1.2; 44256-6: the cqf PHQ-9 Questionnaire of hl7-sdc-phq9.
DIFFICULTIES = frozenset({"69722-7", "44256-6"})
ANSWERABLE = ITEMS | TOTALS.keys() | DIFFICULTIES
QUESTIONNAIRE_CODES = ANSWERABLE | PANELS.keys()

SDC_PHQ9_ANSWERS = "http://hl7.org/fhir/uv/sdc/CodeSystem/CSPHQ9"
# LOINC answers: clinical-rules 1.2 (LL358-3). SDC: the itemWeight of hl7-sdc-phq9/CodeSystem-CSPHQ9.json.
ITEM_ANSWERS: Mapping[tuple[str | None, str], int] = {
    **{(LOINC, code): answer for answer, code in enumerate(PHQ9.answer_codes)},
    (SDC_PHQ9_ANSWERS, "Not-at-all"): 0,
    (SDC_PHQ9_ANSWERS, "Several-days"): 1,
    (SDC_PHQ9_ANSWERS, "More than half the days"): 2,
    (SDC_PHQ9_ANSWERS, "Nearly every day"): 3,
}
# Clinical-rules 1.2: the LA numbers are not in the order of difficulty.
DIFFICULTY_ANSWERS: Mapping[tuple[str | None, str], int] = {
    (LOINC, code): answer for answer, code in enumerate(PHQ9.unscored_answer_codes)
}
# FHIR R4's ordinalValue extension and its successor itemWeight, on a coding.
ORDINAL_EXTENSIONS = frozenset(
    {
        "http://hl7.org/fhir/StructureDefinition/ordinalValue",
        "http://hl7.org/fhir/StructureDefinition/itemWeight",
    }
)

# Questionnaires whose linkIds are no LOINC codes: the PHQ-9 response and the cqf Questionnaire of hl7-sdc-phq9.
LINKS_BY_QUESTIONNAIRE: Mapping[str, Mapping[str, str]] = {
    "http://hl7.org/fhir/uv/sdc/Questionnaire/questionnaire-sdc-profile-example-PHQ9": {
        **{f"H1/T1/Q{number}": loinc for number, loinc in enumerate(item_codes(PHQ9), start=1)},
        "H1/TS": "44261-6",
    },
    "http://build.fhir.org/ig/HL7/sdc/questionnaire-sdc-profile-example-cqf-PHQ9": {
        "LittleInterest": "44250-9",
        "FeelingDown": "44255-8",
        "TroubleSleeping": "44259-0",
        "FeelingTired": "44254-1",
        "BadAppetite": "44251-7",
        "FeelingBadAboutSelf": "44258-2",
        "TroubleConcentrating": "44252-5",
        "MovingSpeaking": "44253-3",
        "TotalScore": "44261-6",
        "Difficulty": "44256-6",
    },
}
