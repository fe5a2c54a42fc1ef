"""What a fact says, in one line, for somebody who has ten seconds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from services.portal.pages import words
from services.portal.pages.moments import Place, day_words
from services.portal.pages.words import capital, listed, sign

Says = Mapping[str, Any]
Story = Callable[[Says, Place], str]

_stories: dict[str, Story] = {}


def story_of(name: str, says: Says, place: Place) -> str:
    """Tell in a line what a fact says; nothing where the title says it all."""
    story = _stories.get(name)
    return story(says, place) if story else ""


def _of(*names: str) -> Callable[[Story], Story]:
    def declare(story: Story) -> Story:
        _stories.update(dict.fromkeys(names, story))
        return story

    return declare


def score_words(says: Says) -> str:
    """Write what a questionnaire came to: PHQ-9: 14 (moderate)."""
    instrument = words.words(words.INSTRUMENT_NAMES, says.get("instrument"))
    result = says.get("result") or {}
    total = result.get("total")
    if total is None:
        stated = result.get("stated_total")
        return f"{instrument}: {stated} as stated" if stated is not None else f"{instrument}: no total"
    band = f" ({words.spelled(result['band'])})" if result.get("band") else ""
    return f"{instrument}: {total}{band}" + (", provisional" if result.get("provisional") else "")


def component_words(part: Says) -> str:
    """Write a part of a program: walk 2.8-3.2 mph, 30 minutes, 3 times a week, moderate."""
    often = "once" if part["times_per_week"] == 1 else f"{part['times_per_week']} times"
    intensity = words.words(words.INTENSITIES, part.get("intensity"))
    return f"{part['name']}, {part['minutes']} minutes, {often} a week, {intensity}"


def day_of(text: str | None) -> str:
    """Write a day that a service wrote as 2026-11-23."""
    return day_words(date.fromisoformat(text)) if text else ""


def _sentence(*parts: str | None) -> str:
    return capital("; ".join(part for part in parts if part))


def _names(coded: Any) -> str:
    return listed([each["display"] for each in coded or ()])


@_of("intake.questionnaire-answered", "intake.questionnaire-imported")
def _questionnaire(says: Says, place: Place) -> str:
    return score_words(says) + ("; the stated total contradicts the answers" if says.get("contradicts") else "")


@_of("monitoring.measure-repeated")
def _repeated(says: Says, place: Place) -> str:
    change = says.get("change")
    return score_words(says) + (
        "" if change is None else f", {words.signed(change)} against the baseline of {says['baseline']}"
    )


@_of("intake.patient-team-member-joined", "intake.patient-team-member-left")
def _member(says: Says, place: Place) -> str:
    return f"{says['member_id']}"


@_of("intake.screening-opened")
def _opened(says: Says, place: Place) -> str:
    return capital(words.spelled(says["reason"]))


@_of("intake.medical-history-recorded")
def _history(says: Says, place: Place) -> str:
    conditions, medicines = _names(says.get("conditions")), _names(says.get("medications"))
    return _sentence(conditions, medicines and f"takes {medicines}")


@_of("intake.vitals-measured")
def _vitals(says: Says, place: Place) -> str:
    rate = says.get("resting_heart_rate")
    pressure = f"{says['systolic']}/{says['diastolic']} mmHg" if says.get("systolic") else ""
    return _sentence(pressure, rate and f"resting heart rate {rate}/min")


@_of("intake.activity-recorded")
def _activity(says: Says, place: Place) -> str:
    if says.get("days_per_week") is None:
        return ""
    return f"{says['days_per_week']} days a week, {says['minutes_per_day']} minutes a day"


@_of("intake.preferences-recorded")
def _preferences(says: Says, place: Place) -> str:
    liked, barriers = listed(list(says.get("liked") or ())), listed(list(says.get("barriers") or ()))
    return _sentence(liked and f"likes {liked}", barriers and f"barriers: {barriers}")


@_of("intake.safety-flag-raised", "intake.safety-flag-assessed", "intake.current-risk-found")
def _flag(says: Says, place: Place) -> str:
    held = {True: "exercise stays on hold", False: "no hold"}.get(says.get("hold"))
    return _sentence(sign(says["flag"]) if says.get("flag") else "", held)


@_of("intake.current-risk-reviewed")
def _reviewed(says: Says, place: Place) -> str:
    return says.get("outcome") or ""


@_of("intake.screening-concluded")
def _concluded(says: Says, place: Place) -> str:
    return _sentence(words.words(words.PERMISSIONS, says["permission"]), words.words(words.CAPS, says["intensity_cap"]))


@_of("intake.clearance-needed", "intake.mental-health-referral-needed")
def _needed(says: Says, place: Place) -> str:
    days = says.get("within_days")
    because = listed([sign(reason["code"]) for reason in says.get("reasons") or ()])
    return _sentence(None if days is None else f"within {words.count(days, 'day')}", because)


@_of("intake.clearance-recorded", "referral.reported")
def _decided(says: Says, place: Place) -> str:
    outcome, cap = words.words(words.OUTCOMES, says.get("outcome")), words.words(words.CAPS, says.get("intensity_cap"))
    until = day_of(says.get("valid_until"))
    return _sentence(outcome, cap, until and f"valid until {until}")


@_of("intake.condition-imported", "intake.medication-imported", "intake.allergy-imported")
def _stated(says: Says, place: Place) -> str:
    named = says.get("condition") or says.get("medication") or says.get("allergy") or {}
    return named.get("display", "")


@_of("intake.measure-imported")
def _measure(says: Says, place: Place) -> str:
    if says.get("value") is None:
        return capital(words.spelled(says["kind"]))
    second = f"/{says['second']}" if says.get("second") else ""
    return f"{capital(words.spelled(says['kind']))}: {says['value']}{second} {says['unit']}"


@_of("referral.requested", "referral.accepted")
def _referral(says: Says, place: Place) -> str:
    visit = says.get("first_visit_due")
    urgent = "urgent" if says.get("priority") == "urgent" else ""
    return _sentence(words.words(words.REFERRALS, says["kind"]), urgent, visit and f"first visit by {day_of(visit)}")


@_of("referral.declined")
def _declined(says: Says, place: Place) -> str:
    return _sentence(words.words(words.DECLINES, says["reason"]), says.get("note"))


@_of("prescription.program-drafted")
def _drafted(says: Says, place: Place) -> str:
    return _sentence(*(component_words(part) for part in says.get("components") or ()))


@_of("prescription.program-revised")
def _revised(says: Says, place: Place) -> str:
    changes = says.get("changes")
    return f"Revision {says['revision']}" + (f", {words.count(len(changes), 'change')}" if changes else "")


@_of("prescription.program-activated")
def _activated(says: Says, place: Place) -> str:
    sessions, minutes = says["sessions_per_week"], says["minutes_per_week"]
    load = f"{words.count(sessions, 'session')} and {minutes} minutes a week"
    return f"Revision {says['revision']} from {day_of(says['starts_on'])}: {load}"


@_of("prescription.program-paused")
def _paused(says: Says, place: Place) -> str:
    return "Goes on only after a physician's clearance" if says.get("needs_clearance") else ""


@_of("monitoring.plan-opened")
def _watched(says: Says, place: Place) -> str:
    return f"Check-in every {says['check_in_every_days']} days, PHQ-9 every {says['phq9_every_days']} days"


@_of("monitoring.check-in-recorded")
def _checked_in(says: Says, place: Place) -> str:
    scales = ("mood", "energy", "sleep", "well_being")
    marks = ", ".join(f"{words.spelled(name)} {says[name]}" for name in scales if says.get(name) is not None)
    sessions = says.get("sessions") or ()
    done = f"{words.count(len(sessions), 'session')}, {sum(each['minutes'] for each in sessions)} minutes"
    symptoms = listed([sign(code) for code in says.get("symptoms") or ()])
    unsafe = "feels unsafe" if says.get("feels_unsafe") else ""
    return _sentence(unsafe, symptoms, marks and f"{marks} of 10", done if sessions else "", says.get("words"))


@_of("monitoring.red-flag-raised")
def _red_flag(says: Says, place: Place) -> str:
    return capital(listed([sign(code) for code in says.get("codes") or ()]))


@_of("monitoring.alert-raised")
def _alert(says: Says, place: Place) -> str:
    due = says.get("review_by") or says["acknowledge_by"]
    about = sign(says["trigger"]) if says.get("trigger") else ""
    return _sentence(about, f"to be looked at by {place.both(due)}")


@_of("monitoring.alert-overdue")
def _overdue(says: Says, place: Place) -> str:
    level = words.words(words.LEVELS, says["level"])
    following = f"to be taken by {place.both(says['acknowledge_by'])}" if says.get("acknowledge_by") else ""
    return _sentence(f"nobody took it by {place.both(says['missed'])}", level, following)


@_of("monitoring.alert-review-overdue")
def _review_overdue(says: Says, place: Place) -> str:
    return f"Nobody had closed it by {place.both(says['missed'])}"


@_of("monitoring.alert-evidence-joined")
def _evidence(says: Says, place: Place) -> str:
    return capital(listed([sign(code) for code in says.get("signs") or ()]))


@_of(*(f"{service}.reaction-refused" for service in words.SERVICES))
def _refused(says: Says, place: Place) -> str:
    return says.get("reason") or ""
