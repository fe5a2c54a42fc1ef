"""Two processes of intake on one log, who both look before either writes."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from typing import Any

from sqlalchemy import RowMapping, Select

from events.vocabulary import CATALOGUE
from services.intake.application import Intake
from shared.eventlog import LogRecorder, Refused, open_log
from tests.intake.given import NOW


class Desk(Intake):
    """Intake whose first look at the worklists waits until the other desk has looked, too."""

    def __init__(self, recorder: LogRecorder, both_looked: Barrier):
        super().__init__(recorder, CATALOGUE)
        self._both_looked: Barrier | None = both_looked

    def query(self, statement: Select[Any]) -> list[RowMapping]:
        """Read worklists."""
        found = super().query(statement)
        both_looked, self._both_looked = self._both_looked, None
        if both_looked is not None:
            both_looked.wait(timeout=30)
        return found


@contextmanager
def two_desks(url: str) -> Iterator[tuple[Desk, Desk]]:
    """Open a migrated log twice."""
    both_looked = Barrier(2)
    desks = Desk(open_log(url, clock=lambda: NOW), both_looked), Desk(open_log(url, clock=lambda: NOW), both_looked)
    yield desks
    for desk in desks:
        desk.close()


def at_once(*commands: Callable[[], Any]) -> list[Any]:
    """Run commands side by side, and give what each answered or how it was refused."""
    with ThreadPoolExecutor(len(commands)) as pool:
        return list(pool.map(_outcome, commands))


def _outcome(command: Callable[[], Any]) -> Any:
    try:
        return command()
    except Refused as refusal:
        return refusal


def one_refusal(outcomes: list[Any]) -> Refused:
    """Give the refusal of the one that was slower."""
    (refusal,) = (outcome for outcome in outcomes if isinstance(outcome, Refused))
    return refusal
