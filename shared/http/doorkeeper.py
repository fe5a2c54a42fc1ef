"""What HTTP asks of whoever decides about access; shared.access answers."""

from collections.abc import Sequence
from typing import Any, Protocol

from sqlalchemy import ColumnElement

from shared.identity import Subject


class Forbidden(Exception):
    """The caller's roles do not allow this action: 403."""


class OutOfSight(Exception):
    """The caller stands outside: answered exactly as if there were nothing, 404."""


class Doorkeeper(Protocol):
    """Decides who may take which action on what."""

    def knows(self, action: str) -> bool:
        """Tell whether the table of access has a row for this action."""
        ...

    def admit(self, subject: Subject, action: str) -> str | None:
        """Let in by role: the role in which no resource need be looked at, None if it depends on the resource.

        Forbidden if no role of the subject allows the action.
        """
        ...

    def admit_to(self, subject: Subject, action: str, resource: Any) -> str:
        """Let in to one resource, and give the role; OutOfSight if the subject stands outside."""
        ...

    def narrow(
        self, subject: Subject, action: str, patient: ColumnElement[Any] | None, addressed: Sequence[ColumnElement[Any]]
    ) -> tuple[str, ColumnElement[bool]]:
        """Give the role, and the condition that leaves only rows which the subject may see."""
        ...
