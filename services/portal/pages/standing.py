"""Where a patient stands, in five answers: open alerts, conclusion, clearance, program, what is due."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.portal.pages import words
from services.portal.pages.moments import Place, day_words
from services.portal.pages.stories import day_of

Record = Mapping[str, Any]

GOOD, CAREFUL, STOP, CALM = "success", "warning", "danger", "secondary"
TONES: Mapping[str, str] = {
    "ready": GOOD,
    "clearance-needed": CAREFUL,
    "hold": STOP,
    "cleared": GOOD,
    "cleared-with-limits": CAREFUL,
    "not-cleared": STOP,
    "active": GOOD,
    "paused": CAREFUL,
    "on-hold": CAREFUL,
}
"""The colour of a state; the words beside it say the same."""


AT_ONCE = ("E0", "E1")
UNTIL_CLEARED = "no exercise until cleared"


@dataclass(frozen=True)
class Answer:
    """One card: a question, its answer, a line below it, and how it looks."""

    question: str
    icon: str
    answer: str
    below: str = ""
    tone: str = CALM


def standing(record: Record, due: Mapping[str, Any] | None, today: date | None, place: Place) -> list[Answer]:
    """Give the five answers; `due` is what monitoring says now, None where the record is of the past."""
    answers = [_alerts(record), _conclusion(record, place), _clearance(record, place), _program(record)]
    return answers if due is None or today is None else [*answers, _due(due, today)]


def latest(entries: Sequence[Record]) -> Record | None:
    """Give the last entry of a section, None if there is none."""
    return entries[-1] if entries else None


def open_alerts(record: Record) -> list[Record]:
    """Give the alerts that nobody has closed, the most urgent first."""
    return sorted(
        (alert for alert in record["alerts"] if alert["status"] != "resolved"), key=lambda each: each["level"]
    )


def _conclusion(record: Record, place: Place) -> Answer:
    question, icon = "Conclusion", "signpost-split"
    concluded = [screening["conclusion"] for screening in record["screenings"] if "conclusion" in screening]
    if not concluded:
        begun = latest(record["screenings"])
        opened = f"opened {place.day(begun['opened_at'])}" if begun else ""
        return Answer(question, icon, "Screening under way" if begun else "No screening yet", opened)
    last = concluded[-1]
    answer = words.words(words.PERMISSIONS, last["permission"])
    cap = UNTIL_CLEARED if last["permission"] == "clearance-needed" else words.words(words.CAPS, last["intensity_cap"])
    below = f"{words.capital(cap)} · {place.day(last['at'])}"
    return Answer(question, icon, answer, below, TONES.get(last["permission"], CALM))


def _clearance(record: Record, place: Place) -> Answer:
    question, icon = "Clearance", "shield-check"
    given = [clearance for screening in record["screenings"] for clearance in screening["clearances"]]
    if given:
        last = max(given, key=lambda clearance: clearance["at"])
        until = f"until {day_of(last['valid_until'])}" if last.get("valid_until") else place.day(last["at"])
        cap = words.capital(words.words(words.CAPS, last["intensity_cap"]))
        answer = words.words(words.OUTCOMES, last["outcome"])
        return Answer(question, icon, answer, f"{cap} · {until}", TONES.get(last["outcome"], CALM))
    if any("clearance_needed" in screening for screening in record["screenings"]):
        return Answer(question, icon, "Needed, none yet", "", CAREFUL)
    return Answer(question, icon, "None asked for")


def _program(record: Record) -> Answer:
    question, icon = "Program", "person-walking"
    program = latest(record["programs"])
    if program is None:
        return Answer(question, icon, "No program yet")
    state = words.words(words.PROGRAM_STATES, program["status"])
    load = ""
    if program.get("components"):
        minutes = sum(part["minutes"] * part["times_per_week"] for part in program["components"])
        load = f" · {minutes} minutes a week"
    below = f"Revision {program['revision']}{load}"
    return Answer(question, icon, state, below, TONES.get(program["status"], CALM))


def _due(due: Mapping[str, Any], today: date) -> Answer:
    question, icon = "Next due", "calendar-event"
    days = sorted(_days_of(due))
    if not days:
        return Answer(question, icon, "Nothing")
    day, thing = days[0]
    late = day < today
    following = ", ".join(f"{name} {_when(at, today)}" for at, name in days[1:])
    return Answer(question, icon, f"{thing} {_when(day, today)}", following, CAREFUL if late else CALM)


def _days_of(due: Mapping[str, Any]) -> Iterator[tuple[date, str]]:
    for name, thing in (("check_in_due_on", "Check-in"), ("phq9_due_on", "PHQ-9")):
        if due.get(name):
            yield date.fromisoformat(due[name]), thing


def _when(day: date, today: date) -> str:
    days = (day - today).days
    if days < 0:
        return f"overdue since {day_words(day)}"
    return {0: "today", 1: "tomorrow"}.get(days, f"on {day_words(day)}")


def _alerts(record: Record) -> Answer:
    question, icon = "Open alerts", "bell"
    alerts = open_alerts(record)
    if not alerts:
        return Answer(question, icon, "None", "", GOOD)
    first = alerts[0]
    level, about = words.words(words.LEVELS, first["level"]), _about(first)
    below = f"{words.count(len(alerts), 'alert')}{_state(first)} · {about}".rstrip(" ·")
    return Answer(question, icon, level, below, STOP if first["level"] in AT_ONCE else CAREFUL)


def _state(alert: Record) -> str:
    if "review_overdue" in alert:
        return ", review overdue"
    return {"acknowledged": ", taken", "overdue": ", overdue"}.get(alert["status"], "")


def _about(alert: Record) -> str:
    """Say what an alert is about: the signs that met its rule, or the rule where the sign is a whole questionnaire."""
    signs = [code for code in alert.get("signs") or () if code not in words.INSTRUMENT_NAMES]
    if not signs and alert.get("trigger"):
        signs = [alert["trigger"]]
    return words.listed([words.sign(code) for code in signs])
