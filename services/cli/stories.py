"""Six invented patients and the seven weeks in which a small practice cares for them.

Each story is a generator: it acts as the people of the practice, and yields the day on which it goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from services.cli.cases import Case, Entry, Practice

CHECK_INS = (11, 18, 25, 32, 39, 46)
"""The Fridays on which Anna asks everybody how they are. Day 0 is a Monday."""

Story = Iterator[int]


def walk(minutes: int, times: int) -> Entry:
    """A brisk walk."""
    return {"activity": "17200", "intensity": "moderate", "minutes": minutes, "times_per_week": times}


def tai_chi(minutes: int, times: int) -> Entry:
    """Tai chi."""
    return {"activity": "15670", "intensity": "moderate", "minutes": minutes, "times_per_week": times}


def yoga(minutes: int, times: int) -> Entry:
    """Hatha yoga."""
    return {"activity": "02150", "intensity": "light", "minutes": minutes, "times_per_week": times}


def history(*conditions: str, medications: tuple[str, ...] = (), disease: bool = False, active: bool = False) -> Entry:
    """Write a medical history; everybody here is in treatment already, for exercise stands beside it."""
    return {
        "conditions": [{"display": condition} for condition in conditions],
        "medications": [{"display": medication} for medication in medications],
        "known_disease": disease,
        "symptoms": False,
        "regularly_active": active,
        "treatment": {"discussed": True, "active": True},
    }


def vitals(systolic: int, diastolic: int, pulse: int) -> Entry:
    """Write what was measured at rest."""
    pressure = {"systolic": systolic, "diastolic": diastolic}
    return {**pressure, "resting_heart_rate": pulse, "with_symptoms": False}


def activity(days: int, minutes: int) -> Entry:
    """Write the exercise vital sign: days of a week, and minutes of such a day."""
    return {"days_per_week": days, "minutes_per_day": minutes, "strength_days_per_week": 0}


def wishes(goals: str, *liked: str, barrier: str) -> Entry:
    """Write what the patient hopes for and likes, and what stands in the way."""
    return {"goals": goals, "liked": [*liked], "barriers": [barrier]}


def ada(case: Case) -> Story:
    """Depression and type 2 diabetes: cleared by a physician, gets better, walks longer."""
    case.register("Marsh", "Ada", "1984-05-02", "female")
    case.screen(
        "221212100",
        "1111110",
        history=history("Type 2 diabetes", "Depressive episode", medications=("Metformin", "Sertraline"), disease=True),
        vitals=vitals(134, 84, 74),
        activity=activity(1, 20),
        wishes=wishes("Sleep through the night again, and walk to work.", "walking", barrier="early shifts"),
    )
    case.conclude()
    case.referral_came("physician-clearance")
    yield 2
    case.accept("paul", "physician-clearance")
    yield 3
    note = "No chest pain, HbA1c stable. Carry glucose; no vigorous exercise for now."
    case.report("paul", "physician-clearance", outcome="cleared-with-limits", intensity_cap="moderate", note=note)
    case.ask_for("exercise-physiologist", "Please write a first program.")
    case.accept("erika", "exercise-physiologist")
    yield 4
    case.program("erika", [walk(20, 3)], ["Sleep through the night again", "Walk to work"])
    case.activate("erika")
    repeated = {18: "221211100", 32: "211111100", 46: "111100100"}
    for day, mood in zip(CHECK_INS, (4, 5, 5, 6, 6, 7), strict=True):
        yield day
        case.check_in(mood, mood - 1, mood, (20, 20, 20) if day <= 32 else (30, 30, 30))
        if day in repeated:
            case.repeat("PHQ9", repeated[day])
        if day == 32:
            case.revise("erika", "Managed every walk for four weeks: ten minutes more.", [walk(30, 3)])


def bruno(case: Case) -> Story:
    """Anxiety without physical disease: ready at once, tai chi and walks."""
    case.register("Keller", "Bruno", "1975-11-19", "male")
    case.screen(
        "111100000",
        "2221210",
        history=history("Generalised anxiety disorder", active=True),
        vitals=vitals(118, 76, 62),
        activity=activity(3, 40),
        wishes=wishes("Feel calm in meetings.", "tai chi", "walking in the park", barrier="crowded gyms"),
    )
    case.conclude()
    case.ask_for("behavioral-coach", "Help with keeping a routine.")
    case.accept("ben", "behavioral-coach")
    case.add_to_team("erika", "exercise-physiologist")
    yield 4
    case.program("erika", [tai_chi(30, 2), walk(30, 2)], ["Feel calm in meetings"])
    case.activate("erika")
    repeated = {18: ("2111210", "111100000"), 32: ("1111110", "101100000"), 46: ("1110100", "100100000")}
    for day, mood in zip(CHECK_INS, (5, 6, 6, 7, 7, 8), strict=True):
        yield day
        case.check_in(mood, mood, mood - 1, (30, 30, 30, 30))
        if day in repeated:
            case.repeat("GAD7", repeated[day][0])
            case.repeat("PHQ9", repeated[day][1])


def chiara(case: Case) -> Story:
    """A red flag in a check-in: paused at once, and a physician is asked urgently."""
    case.register("Rossi", "Chiara", "1990-02-27", "female")
    case.screen(
        "222222210",
        "2222111",
        history=history("Post-traumatic stress disorder"),
        vitals=vitals(112, 70, 72),
        activity=activity(1, 30),
        wishes=wishes("Feel at home in my body.", "yoga in a small group", barrier="rooms without a clear way out"),
    )
    case.conclude()
    case.add_to_team("erika", "exercise-physiologist")
    yield 4
    case.program("erika", [yoga(45, 2)], ["Feel at home in my body"])
    case.activate("erika")
    repeated = {18: "222222110", 32: "222212110", 46: "222211110"}
    for day, mood in zip(CHECK_INS, (4, 5, 5, 5, 6, 6), strict=True):
        yield day
        case.check_in(mood, mood, mood - 1, (45, 45))
        if day in repeated:
            case.repeat("PHQ9", repeated[day])
    yield 49
    case.check_in(4, 3, 4, (45,), symptoms=["RF_CHEST"], words="Pressure in my chest on the stairs after class.")
    case.referral_came("urgent-physician")
    case.is_paused()


def dev(case: Case) -> Story:
    """ADHD: just begun, the program is a draft."""
    yield 46
    case.register("Patel", "Dev", "1998-07-08", "male")
    case.screen(
        "111011000",
        "1110100",
        history=history("Attention deficit hyperactivity disorder", medications=("Methylphenidate",), active=True),
        vitals=vitals(122, 78, 66),
        activity=activity(4, 45),
        wishes=wishes("Start the day with a clear head.", "walking before work", barrier="loses track of time"),
    )
    case.conclude()
    case.ask_for("exercise-physiologist", "Short sessions before demanding work, please.")
    yield 49
    case.accept("erika", "exercise-physiologist")
    case.program("erika", [walk(25, 4)], ["Start the day with a clear head"])


def eva(case: Case) -> Story:
    """Thoughts of self-harm in a questionnaire: assessed by a clinician before anything else, exercise waits."""
    yield 46
    case.register("Lind", "Eva", "1969-09-30", "female")
    case.screen(
        "332322111",
        "2222222",
        history=history("Recurrent depressive disorder", medications=("Venlafaxine",)),
        vitals=vitals(126, 80, 80),
        activity=activity(0, 0),
        wishes=wishes("Get out of the house again.", "gardening", barrier="no strength in the mornings"),
    )
    case.add_to_team("tara", "psychotherapist")
    assessment = "Passive thoughts, no plan or intent. Safety plan made with her today; sees me twice a week."
    case.assess("tara", "SI_POSITIVE", True, assessment)
    yield 49
    case.conclude()


def farid(case: Case) -> Story:
    """Gets worse by six points: an alert, a review, and a gentler program because of it."""
    case.register("Haddad", "Farid", "1961-12-12", "male")
    case.screen(
        "111110110",
        "1111000",
        history=history("Depressive episode"),
        vitals=vitals(136, 84, 70),
        activity=activity(2, 20),
        wishes=wishes("See friends again.", "walking with somebody", barrier="long days at work"),
    )
    case.conclude()
    case.add_to_team("erika", "exercise-physiologist")
    yield 4
    case.program("erika", [walk(30, 4)], ["See friends again"])
    case.activate("erika")
    repeated = {18: "111110110", 32: "111110110"}
    for day, mood in zip(CHECK_INS[:-1], (6, 6, 6, 6, 5), strict=True):
        yield day
        case.check_in(mood, mood, mood, (30, 30, 30, 30) if day < 39 else (30, 30))
        if day in repeated:
            case.repeat("PHQ9", repeated[day])
    yield CHECK_INS[-1]
    case.check_in(3, 3, 3, (30,), words="Work is too much at the moment.")
    case.repeat("PHQ9", "222211210")
    cause = case.take_the_alert()
    yield 49
    case.revise("erika", "Worse by more than five points: shorter and fewer walks for now.", [walk(15, 3)], cause)
    case.resolve_the_alert("Looked at with Erika and the patient: a gentler program, and a call on Wednesday.")


STORIES: Mapping[str, Callable[[Case], Story]] = {
    "ada": ada,
    "bruno": bruno,
    "chiara": chiara,
    "dev": dev,
    "eva": eva,
    "farid": farid,
}


def tell(practice: Practice) -> dict[str, str]:
    """Tell all stories side by side, a day at a time; give the id of each patient."""
    cases = {name: Case(practice, name) for name in STORIES}
    told = {name: STORIES[name](case) for name, case in cases.items()}
    waiting = dict.fromkeys(STORIES, 0)
    while waiting:
        name = min(waiting, key=lambda one: (waiting[one], one))
        practice.open_on(waiting[name])
        following = next(told[name], None)
        if following is None:
            del waiting[name]
        else:
            waiting[name] = following
    return {name: case.made["patient"] for name, case in cases.items()}
