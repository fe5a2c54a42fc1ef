"""The questionnaires as tables: items by concept, ranges, bands, codes, licence and source, never their wording."""

from collections.abc import Mapping
from types import MappingProxyType

from shared.clinical.questionnaire import Band, Instrument, Item, Method
from shared.clinical.refusals import UnknownCode


def _bands(*bounds: tuple[str, int, int]) -> tuple[Band, ...]:
    return tuple(Band(code=code, low=low, high=high) for code, low, high in bounds)


def _items(*concepts: tuple[str, str | None]) -> tuple[Item, ...]:
    return tuple(Item(number=number, label=label, loinc=loinc) for number, (label, loinc) in enumerate(concepts, 1))


# LL358-3; the four difficulty answers are not in numeric order (LL359-1)
_FREQUENCY_ANSWERS = ("LA6568-5", "LA6569-3", "LA6570-1", "LA6571-9")
_DIFFICULTY_ANSWERS = ("LA6572-7", "LA6573-5", "LA6575-0", "LA6574-3")
_PFIZER = "free; no permission needed to reproduce, translate, display or distribute"
_PSS_LICENCE = "free for non-profit research and education; for-profit use needs permission"

PHQ9 = Instrument(
    id="PHQ9",
    version="2001",
    name="Patient Health Questionnaire 9",
    method=Method.SUM,
    items=_items(
        ("anhedonia", "44250-9"),
        ("depressed mood", "44255-8"),
        ("sleep change", "44259-0"),
        ("fatigue", "44254-1"),
        ("appetite change", "44251-7"),
        ("worthlessness or failure", "44258-2"),
        ("poor concentration", "44252-5"),
        ("psychomotor change", "44253-3"),
        ("thoughts of death or self-harm", "44260-8"),
    ),
    unscored=(Item(number=10, label="functional difficulty", loinc="69722-7"),),
    maximum=3,
    bands=_bands(
        ("minimal", 0, 4), ("mild", 5, 9), ("moderate", 10, 14), ("moderately-severe", 15, 19), ("severe", 20, 27)
    ),
    recall="2 weeks",
    panel_loinc="44249-1",
    total_loinc="44261-6",
    answer_codes=_FREQUENCY_ANSWERS,
    unscored_answer_codes=_DIFFICULTY_ANSWERS,
    licence=_PFIZER,
    source="Kroenke 2001; cdn.loinc.org/44261-6; camcops@56a303e phq9",
)

PHQ2 = Instrument(
    id="PHQ2",
    version="2003",
    name="Patient Health Questionnaire 2",
    method=Method.SUM,
    items=PHQ9.items[:2],
    maximum=3,
    recall="2 weeks",
    panel_loinc="55757-9",
    total_loinc="55758-7",
    answer_codes=_FREQUENCY_ANSWERS,
    licence=_PFIZER,
    source="cdn.loinc.org/55757-9; PMC2906530",
)

GAD7 = Instrument(
    id="GAD7",
    version="2006",
    name="Generalized Anxiety Disorder 7",
    method=Method.SUM,
    items=_items(
        ("nervousness", "69725-0"),
        ("uncontrollable worry", "68509-9"),
        ("worry about many things", "69733-4"),
        ("trouble relaxing", "69734-2"),
        ("restlessness", "69735-9"),
        ("irritability", "69689-8"),
        ("sense of dread", "69736-7"),
    ),
    unscored=(Item(number=8, label="functional difficulty"),),
    maximum=3,
    bands=_bands(("minimal", 0, 4), ("mild", 5, 9), ("moderate", 10, 14), ("severe", 15, 21)),
    recall="2 weeks",
    panel_loinc="69737-5",
    total_loinc="70274-6",
    answer_codes=_FREQUENCY_ANSWERS,
    unscored_answer_codes=_DIFFICULTY_ANSWERS,
    licence=_PFIZER,
    source="camcops@56a303e gad7; HL7 PHR IG@af4b716",
)

WHO5 = Instrument(
    id="WHO5",
    version="1998",
    name="WHO-5 Well-Being Index",
    method=Method.PERCENT,
    items=_items(
        ("good spirits", None), ("calm", None), ("vigour", None), ("rested on waking", None), ("daily interest", None)
    ),
    maximum=5,
    bands=_bands(("likely-depression", 0, 28), ("low", 29, 50), ("adequate", 51, 100)),
    higher_is_better=True,
    recall="2 weeks",
    licence="free without permission; the 2024 re-issue is CC BY-NC-SA 3.0 IGO, so commercial use needs a check",
    source="corc.uk.net WHO-5; help.valant.com WHO-5; Topp 2015",
)

_CLUSTER_SIZES = (("B", 5), ("C", 2), ("D", 7), ("E", 6))
_PCL5_LABELS = (
    "intrusive memories",
    "nightmares",
    "flashbacks",
    "distress at reminders",
    "bodily reaction to reminders",
    "avoiding thoughts",
    "avoiding reminders",
    "memory gaps",
    "negative beliefs",
    "blame",
    "negative feelings",
    "lost interest",
    "distance from others",
    "numbed warmth",
    "irritable behaviour",
    "risk taking",
    "watchfulness",
    "startle",
    "poor concentration",
    "sleep trouble",
)


def _pcl5_items() -> tuple[Item, ...]:
    clusters = [name for name, size in _CLUSTER_SIZES for _ in range(size)]
    numbered = enumerate(zip(_PCL5_LABELS, clusters, strict=True), 1)
    # only item 9 has a confirmed LOINC code; 70221-7 belongs to the DSM-IV checklist
    return tuple(
        Item(number=number, label=label, cluster=cluster, loinc="101699-7" if number == 9 else None)
        for number, (label, cluster) in numbered
    )


PCL5 = Instrument(
    id="PCL5",
    version="2013 monthly",
    name="PTSD Checklist for DSM-5",
    method=Method.CLUSTERS,
    items=_pcl5_items(),
    maximum=4,
    recall="1 month",
    panel_loinc="101697-1",
    total_loinc="101698-9",
    licence="US Government work, not copyrighted",
    source="camcops@56a303e pcl5; comorbidityguidelines.org.au; findacode.com 101697-1",
)

_ASRS_LABELS = ("finishing", "organising", "remembering duties", "starting hard tasks", "fidgeting", "driven activity")

ASRS6 = Instrument(
    id="ASRS6",
    version="1.1 Part A",
    name="Adult ADHD Self-Report Scale screener",
    method=Method.POSITIVES,
    items=tuple(
        Item(number=number, label=label, positive_from=2 if number <= 3 else 3)
        for number, label in enumerate(_ASRS_LABELS, 1)
    ),
    maximum=4,
    recall="6 months",
    licence="(c) WHO; keep wording and notice; the DSM-5 ASRS is another instrument",
    source="help.blueprint ASRS; phenxtoolkit.org 121501",
)

ISI = Instrument(
    id="ISI",
    version="2-week",
    name="Insomnia Severity Index",
    method=Method.SUM,
    items=_items(
        ("falling asleep", None),
        ("staying asleep", None),
        ("early waking", None),
        ("dissatisfaction with sleep", None),
        ("noticed by others", None),
        ("worry about sleep", None),
        ("interference by day", None),
    ),
    maximum=4,
    bands=_bands(("none", 0, 7), ("subthreshold", 8, 14), ("moderate", 15, 21), ("severe", 22, 28)),
    recall="2 weeks",
    licence="(c) Morin; permission through Mapi Research Trust",
    source="morin2011 Sleep 34:601; cgakit.com ISI",
)

PSS10 = Instrument(
    id="PSS10",
    version="1988",
    name="Perceived Stress Scale 10",
    method=Method.SUM,
    items=_items(
        ("upset by surprises", None),
        ("lack of control", None),
        ("stressed", None),
        ("confidence in coping", None),
        ("things going well", None),
        ("overwhelmed by tasks", None),
        ("control of irritations", None),
        ("on top of things", None),
        ("anger at events", None),
        ("piling difficulties", None),
    ),
    maximum=4,
    bands=_bands(("low", 0, 13), ("moderate", 14, 26), ("high", 27, 40)),
    bands_validated=False,
    reversed_items=frozenset({4, 5, 7, 8}),
    recall="1 month",
    panel_loinc="106875-8",
    total_loinc="106860-0",
    licence=_PSS_LICENCE,
    source="psy.cmu.edu PSSscore; bands popular, not the author's (bio-protocol 9885768)",
)

PSS4 = Instrument(
    id="PSS4",
    version="1988",
    name="Perceived Stress Scale 4",
    method=Method.SUM,
    items=_items(
        ("lack of control", None),
        ("confidence in coping", None),
        ("things going well", None),
        ("piling difficulties", None),
    ),
    maximum=4,
    reversed_items=frozenset({2, 3}),
    recall="1 month",
    licence=_PSS_LICENCE,
    source="psy.cmu.edu PSSscore",
)

CSSRS = Instrument(
    id="CSSRS",
    version="screener, recent",
    name="Columbia Suicide Severity Rating Scale screener",
    method=Method.BRANCHING,
    items=_items(
        ("wish for death", "93246-7"),
        ("suicidal thoughts", "93247-5"),
        ("thoughts of method", "93248-3"),
        ("some intent", "93249-1"),
        ("plan with intent", "93250-9"),
        ("behaviour, lifetime", "93267-3"),
        ("behaviour, past 3 months", "93269-9"),
    ),
    maximum=1,
    recall="ideation 1 month; behaviour lifetime and 3 months",
    panel_loinc="93373-9",
    total_loinc="93374-7",
    answer_codes=("LA32-8", "LA33-6"),
    licence="(c) Posner/RFMH; free in care, wording unchanged, training recommended",
    source="HL7 us-behavioral-health-profiles@7ad613c; cssrs.columbia.edu",
)

INSTRUMENTS: Mapping[str, Instrument] = MappingProxyType(
    {each.id: each for each in (PHQ9, PHQ2, GAD7, WHO5, PCL5, ASRS6, ISI, PSS10, PSS4, CSSRS)}
)


def instrument(code: str) -> Instrument:
    """The instrument with this id (such as "PHQ9"), or UnknownCode."""
    try:
        return INSTRUMENTS[code]
    except KeyError:
        raise UnknownCode(f"no questionnaire is called {code!r}; known are {', '.join(INSTRUMENTS)}") from None
