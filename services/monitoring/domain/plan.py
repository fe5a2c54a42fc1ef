"""The monitoring plan: watches a program from its activation to its end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID, uuid5

from events.monitoring import (
    CheckInRecorded,
    MeasureRepeated,
    PlanClosed,
    PlanFollowedRevision,
    PlanOpened,
    PlanPaused,
    PlanResumed,
    RedFlagRaised,
    Session,
)
from services.monitoring.domain.concerns import Concern, in_a_check_in, in_a_total, in_answers
from services.monitoring.domain.crisis import CrisisText, crisis_text
from services.monitoring.domain.schedule import NOTHING_DUE, Due, ScheduleRules, zone_named
from services.monitoring.domain.series import reading_of, result_of
from services.monitoring.domain.weeks import Expectation, Week, weeks
from shared.clinical.redflags import RED_FLAGS, RedFlag
from shared.clinical.rules import DEFAULT
from shared.clinical.scoring import score
from shared.eventlog.aggregate import Aggregate, Context, Refused, when

REPEATED = ("PHQ9", "GAD7")
"""The instruments that are repeated while a program runs."""

SHOWN_WEEKS = 4


class Status(StrEnum):
    """Where a plan stands, in FHIR's words for a request: revoked is ended early."""

    ACTIVE = "active"
    ON_HOLD = "on-hold"
    COMPLETED = "completed"
    REVOKED = "revoked"


class NotAllowed(Refused):
    """Something that cannot be recorded in this plan; the message says why."""


@dataclass(frozen=True)
class Evidence:
    """What an entry gave reason to look at: the event that says it, and each concern."""

    event_id: str
    concerns: tuple[Concern, ...]


class MonitoringPlan(Aggregate):
    """What is expected of one program, and what came in about it.

    Days are the patient's own. A closed plan still takes entries: late ones, and above all a call for help.
    """

    status: Status
    program_id: UUID
    revision: int
    starts_on: date
    opened_at: datetime
    closed_at: datetime | None = None

    # Following the program

    @classmethod
    def open(
        cls,
        context: Context,
        patient_id: UUID | None,
        program_id: UUID,
        *,
        revision: int,
        starts_on: date,
        sessions_per_week: int,
        minutes_per_week: int,
        time_zone: str,
        language: str,
        rules: ScheduleRules,
    ) -> MonitoringPlan:
        """Watch an activated program from now on."""
        plan = cls(plan_id(program_id), context, patient_id)
        plan.record(
            PlanOpened,
            program_id=program_id,
            revision=revision,
            starts_on=starts_on,
            sessions_per_week=sessions_per_week,
            minutes_per_week=minutes_per_week,
            time_zone=time_zone,
            language=language,
            rules_version=DEFAULT.version,
            **asdict(rules),
        )
        return plan

    def follow(self, revision: int, sessions_per_week: int, minutes_per_week: int) -> None:
        """Expect what a revision prescribes; one that the plan has seen changes nothing."""
        self._must_be_open()
        if revision > self.revision:
            self.record(
                PlanFollowedRevision,
                revision=revision,
                sessions_per_week=sessions_per_week,
                minutes_per_week=minutes_per_week,
            )

    def pause(self) -> None:
        """Excuse sessions from now on; check-ins stay due, for the patient is still looked after."""
        self._must_be_open()
        if self.status is Status.ACTIVE:
            self.record(PlanPaused)

    def resume(self) -> None:
        """Expect sessions again."""
        self._must_be_open()
        if self.status is Status.ON_HOLD:
            self.record(PlanResumed)

    def close(self, *, discontinued: bool) -> None:
        """Expect nothing any more; a closed plan stays as it is."""
        if not self.is_closed:
            self.record(PlanClosed, discontinued=discontinued)

    @property
    def is_closed(self) -> bool:
        """Whether the program has ended."""
        return self.status in (Status.COMPLETED, Status.REVOKED)

    def _must_be_open(self) -> None:
        if self.is_closed:
            raise NotAllowed("This plan is closed: its program has ended.", code="plan-closed")

    # Entries

    def check_in(
        self,
        *,
        mood: int | None = None,
        energy: int | None = None,
        sleep: int | None = None,
        well_being: int | None = None,
        sessions: Iterable[Session] = (),
        symptoms: Iterable[str] = (),
        feels_unsafe: bool = False,
        words: str | None = None,
    ) -> Evidence:
        """Record how the patient is, and a red flag if a symptom is one; tell what must be looked at."""
        done, codes = tuple(sessions), tuple(dict.fromkeys(symptoms))
        self._must_fit_in_time(done)
        _must_be_red_flags(codes)
        if (mood, energy, sleep, well_being, words) == (None,) * 5 and not (done or codes or feels_unsafe):
            raise NotAllowed("This check-in says nothing.", code="empty-check-in")
        concerns = in_a_check_in(codes, feels_unsafe, words)
        event = self.record(
            CheckInRecorded,
            mood=mood,
            energy=energy,
            sleep=sleep,
            well_being=well_being,
            sessions=done,
            symptoms=codes,
            feels_unsafe=feels_unsafe,
            words=words,
            crisis_card=any(concern.crisis_card for concern in concerns),
        )
        if codes:
            self._raise_red_flag(codes)
        return Evidence(event.event_id, concerns)

    def _raise_red_flag(self, codes: tuple[str, ...]) -> None:
        """Raise it now, however old the entry: no physician who cleared the patient before had heard of it."""
        of_the_entry, self.context = self.context, replace(self.context, occurred_at=None)
        self.record(RedFlagRaised, program_id=self.program_id, codes=codes, rules_version=DEFAULT.version)
        self.context = of_the_entry

    def repeat(
        self, instrument: str, answers: Sequence[int | None], baseline: int | None, difficulty: int | None = None
    ) -> Evidence:
        """Record a questionnaire, scored and compared with `baseline`; tell what must be looked at, safety first."""
        self._must_fit_in_time()
        before = self._last_measure(instrument)
        last = before.result.answers if before is not None and before.result else None
        scored = score(instrument, [*answers, difficulty], previous=last)
        reading = None if scored.total is None else reading_of(instrument, baseline, scored.total)
        event = self.record(
            MeasureRepeated,
            instrument=instrument,
            result=result_of(scored),
            baseline=baseline,
            change=None if reading is None else reading.delta,
            flags=tuple(map(str, scored.flags)),
        )
        concerns = [*in_answers(instrument, scored.answers, scored.flags)]
        if scored.total is not None:
            last_total = before.result.total if before is not None and before.result else baseline
            concerns += in_a_total(instrument, scored.total, last_total, reading)
        return Evidence(event.event_id, tuple(concerns))

    def _must_fit_in_time(self, sessions: Sequence[Session] = ()) -> None:
        moment = self.context.occurred_at or self.context.now
        if moment > self.context.now:
            raise NotAllowed("An entry cannot lie in the future.", code="in-the-future")
        first, last = min(self.starts_on, self.local_day(self.opened_at)), self.local_day(moment)
        if last < first:
            raise NotAllowed(f"This plan starts on {first}: an entry cannot lie before it.", code="before-the-plan")
        if any(not first <= session.done_on <= last for session in sessions):
            raise NotAllowed(
                f"A session lies from {first} to the day of its entry, {last}.", code="session-out-of-time"
            )

    def _last_measure(self, instrument: str) -> MeasureRepeated | None:
        moment = self.context.occurred_at or self.context.now
        earlier = [m for m in self.measures if m.instrument == instrument and m.occurred_at <= moment]
        return max(earlier, key=lambda measure: measure.occurred_at, default=None)

    # What it knows

    def local_day(self, moment: datetime) -> date:
        """Give the patient's own day of a moment."""
        return moment.astimezone(self.zone).date()

    @property
    def due(self) -> Due:
        """What is due next."""
        if self.is_closed:
            return NOTHING_DUE
        totals = [m for m in self.measures if m.instrument == "PHQ9" and m.result and m.result.total is not None]
        return Due(
            check_in_on=self.rules.next_check_in(self.starts_on, self._last_day(self.check_ins)),
            phq9_on=self.rules.next_phq9(self.starts_on, self._last_day(totals)),
        )

    def _last_day(self, entries: Sequence[CheckInRecorded | MeasureRepeated]) -> date | None:
        return max((self.local_day(entry.occurred_at) for entry in entries), default=None)

    def last_weeks(self, now: datetime, most: int = SHOWN_WEEKS) -> list[Week]:
        """Give what was prescribed and done in the last weeks up to a moment, or up to the program's end."""
        today = self.local_day(min(now, self.closed_at or now))
        sessions = [session for check_in in self.check_ins for session in check_in.sessions or ()]
        return list(weeks(self.starts_on, today, most, self.expectations, sessions))

    @property
    def last_check_in(self) -> CheckInRecorded | None:
        """The check-in that was recorded last, whenever it was true."""
        return self.check_ins[-1] if self.check_ins else None

    @property
    def last_measure(self) -> MeasureRepeated | None:
        """The measure that was recorded last, whenever it was true."""
        return self.measures[-1] if self.measures else None

    @property
    def crisis(self) -> CrisisText | None:
        """Whom to call now, if the last check-in asks for it."""
        last = self.last_check_in
        return crisis_text(self.language) if last is not None and last.crisis_card else None

    @property
    def red_flags(self) -> list[RedFlag]:
        """What the symptoms of the last check-in ask the patient to do."""
        last = self.last_check_in
        codes = (last.symptoms or ()) if last is not None else ()
        return [RED_FLAGS[code] for code in codes if code in RED_FLAGS]

    # What happened

    @when(PlanOpened)
    def _opened(self, event: PlanOpened) -> None:
        self.status = Status.ACTIVE
        self.program_id, self.revision, self.starts_on = event.program_id, event.revision, event.starts_on
        self.opened_at = event.occurred_at
        self.zone, self.language = zone_named(event.time_zone), event.language
        self.rules = ScheduleRules(
            check_in_every_days=event.check_in_every_days,
            phq9_every_days=event.phq9_every_days,
            phq9_later_every_days=event.phq9_later_every_days,
            phq9_later_after_week=event.phq9_later_after_week,
        )
        self.prescribed = (event.sessions_per_week, event.minutes_per_week)
        self.expectations: list[Expectation] = []
        self._expect(event.starts_on)
        self.check_ins: list[CheckInRecorded] = []
        self.measures: list[MeasureRepeated] = []

    @when(PlanFollowedRevision)
    def _followed(self, event: PlanFollowedRevision) -> None:
        self.revision = event.revision
        self.prescribed = (event.sessions_per_week, event.minutes_per_week)
        self._expect(self.local_day(event.occurred_at))

    @when(PlanPaused)
    def _paused(self, event: PlanPaused) -> None:
        self.status = Status.ON_HOLD
        self._expect(self.local_day(event.occurred_at))

    @when(PlanResumed)
    def _resumed(self, event: PlanResumed) -> None:
        self.status = Status.ACTIVE
        self._expect(self.local_day(event.occurred_at))

    @when(PlanClosed)
    def _closed(self, event: PlanClosed) -> None:
        self.status = Status.REVOKED if event.discontinued else Status.COMPLETED
        self.closed_at = event.occurred_at
        self.prescribed = (0, 0)
        self._expect(self.local_day(event.occurred_at))

    @when(CheckInRecorded)
    def _checked_in(self, event: CheckInRecorded) -> None:
        self.check_ins.append(event)

    @when(MeasureRepeated)
    def _repeated(self, event: MeasureRepeated) -> None:
        self.measures.append(event)

    def _expect(self, since: date) -> None:
        sessions, minutes = self.prescribed
        on_hold = self.status is Status.ON_HOLD
        self.expectations.append(
            Expectation(since=since, sessions_per_week=sessions, minutes_per_week=minutes, on_hold=on_hold)
        )


def plan_id(program_id: UUID) -> UUID:
    """Derive a plan's id from its program: one plan for one program."""
    return uuid5(program_id, "monitoring-plan")


def _must_be_red_flags(codes: Iterable[str]) -> None:
    if any(code not in RED_FLAGS for code in codes):
        raise NotAllowed("Symptoms are named by their red-flag code.", code="unknown-symptom")
