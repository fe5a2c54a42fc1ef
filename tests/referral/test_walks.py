"""Any walk through a referral, by anybody in any order, against a model of a few lines."""

from types import MappingProxyType

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from events.base import Actor, Event
from services.referral.domain import NotAllowed, Referral, Step
from tests.referral.given import (
    COORDINATOR,
    OTHER_PHYSICIAN,
    PHYSICIAN,
    REQUESTER,
    THERAPIST,
    history,
    loaded,
    take,
)


class Model:
    """What a referral must do, told as a line of statuses and two ways off it."""

    LINE = ("requested", "received", "accepted", "reported", "completed", "acknowledged")
    PLACE_OF = MappingProxyType({"receive": 0, "accept": 1, "decline": 1, "report": 2, "complete": 3, "acknowledge": 4})

    def __init__(self) -> None:
        self.status, self.provider = "requested", None

    def allows(self, step: str, actor: Actor) -> bool:
        place = self.LINE.index(self.status) if self.status in self.LINE else -1
        in_place = 0 <= place <= 3 if step == "cancel" else place == self.PLACE_OF[step]
        asks = actor in (REQUESTER, COORDINATOR)
        answers = actor == self.provider or (self.provider is None and actor.role == "physician")
        return in_place and (asks if step in ("cancel", "acknowledge") else answers)

    def take(self, step: str, actor: Actor) -> None:
        off_the_line = {"decline": "declined", "cancel": "cancelled"}
        self.status = off_the_line.get(step) or self.LINE[self.LINE.index(self.status) + 1]
        self.provider = actor if step == "receive" else self.provider


class Walk(RuleBasedStateMachine):
    """A referral that is loaded anew for every step, as the application does."""

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.log: list[Event] = history()

    @rule(
        step=st.sampled_from(Step),
        actor=st.sampled_from([REQUESTER, COORDINATOR, PHYSICIAN, OTHER_PHYSICIAN, THERAPIST]),
    )
    def try_a_step(self, step: Step, actor: Actor) -> None:
        referral = loaded(self.log, actor)

        if self.model.allows(step, actor):
            take(referral, step)
            self.model.take(step, actor)
            self.log.extend(referral.pending)
        else:
            with pytest.raises(NotAllowed) as refusal:
                take(referral, step)
            assert list(refusal.value.allowed) == [other for other in Step if self.model.allows(other, actor)]

    @invariant()
    def the_log_tells_the_same_story(self) -> None:
        referral: Referral = loaded(self.log)
        assert referral.status == self.model.status
        assert referral.version == len(self.log)
        assert referral.provider == (self.model.provider.id if self.model.provider else None)


TestWalk = Walk.TestCase
TestWalk.settings = settings(max_examples=60, stateful_step_count=20)
