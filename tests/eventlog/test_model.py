"""A log against a model of a few dictionaries, over any sequence of commands (SQLite)."""

from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from shared.eventlog import KeyReused, Move, Position, PositionMoved, VersionConflict, migrate, open_log
from tests.eventlog import bakery
from tests.eventlog.bakery import CATALOGUE, Bakery, Order, a_context

LOAVES = st.lists(st.sampled_from(["rye bread", "white bread", "pretzel"]), min_size=1, max_size=3)
KEYS = st.sampled_from([None, "k1", "k2", "k3"])
EPOCH = UUID(int=1)


class LogMachine(RuleBasedStateMachine):
    """Appends, conflicts, moves positions and repeats keys; the model knows what must be kept."""

    orders = Bundle("orders")

    def __init__(self):
        super().__init__()
        self.folder = TemporaryDirectory()
        url = f"sqlite:///{Path(self.folder.name) / 'bakery.db'}"
        migrate(url, None, bakery.metadata)
        self.shop = Bakery(open_log(url), CATALOGUE)
        self.histories: dict[UUID, list[str]] = {}
        self.log: list[tuple[UUID, int]] = []
        self.keys: dict[str, tuple[UUID, int]] = {}
        self.sequence: int | None = None

    def kept(self, id: UUID, loaves: list[str], key: str | None) -> None:
        history = self.histories.setdefault(id, [])
        for loaf in loaves:
            history.append(loaf)
            self.log.append((id, len(history)))
        if key:
            self.keys[key] = (id, len(history))

    def save(self, order: Order, expected: type[Exception] | None, **beside) -> bool:
        if expected:
            with pytest.raises(expected):
                self.shop.save(order, **beside)
        else:
            self.shop.save(order, **beside)
        return not expected

    @rule(target=orders, key=KEYS)
    def place(self, key):
        order = Order.place(a_context(key=key))
        if self.save(order, KeyReused if key in self.keys else None):
            self.kept(order.id, ["placed"], key)
        return order.id

    @rule(id=orders, loaves=LOAVES, key=KEYS)
    def add(self, id, loaves, key):
        order = self.shop.find(Order, id, a_context(key=key))
        assert (order is not None) == (id in self.histories)
        if order is None:
            return
        order.add(*loaves)
        if self.save(order, KeyReused if key in self.keys else None):
            self.kept(id, loaves, key)

    @rule(id=orders, loaves=LOAVES, behind=st.integers(1, 2))
    def add_to_an_older_version(self, id, loaves, behind):
        version = len(self.histories.get(id, [])) - behind
        if version < 1:
            return
        order = self.shop.get(Order, id, a_context(), version=version)
        order.add(*loaves)

        self.save(order, VersionConflict)

    @rule(key=KEYS, step=st.integers(1, 5), start=st.one_of(st.none(), st.integers(1, 20)), right=st.booleans())
    def move(self, key, step, start, right):
        before = self.sequence if right else start
        if before == self.sequence and key in self.keys:
            expected = KeyReused
        else:
            expected = None if before == self.sequence else PositionMoved
        after = (before or 0) + step
        order = Order.place(a_context(key=key))
        change = Move("mill", 3, at(before), at(after))

        if self.save(order, expected, moves=[change]):
            self.sequence = after
            self.kept(order.id, ["placed"], key)

    @invariant()
    def log_is_what_was_kept(self):
        log = self.shop.recorder.read(limit=10_000)
        assert [(event.originator_id, event.originator_version) for event in log] == self.log
        assert [event.position for event in log] == list(range(1, len(self.log) + 1))
        times = [event.recorded_at for event in log]
        assert times == sorted(set(times))

    @invariant()
    def aggregates_rows_keys_and_position_are_what_was_kept(self):
        for id, history in self.histories.items():
            order = self.shop.get(Order, id)
            assert (order.version, ["placed", *(loaf.name for loaf in order.loaves)]) == (len(history), history)
        rows = [(row["order_id"], row["loaf"]) for row in self.shop.query(bakery.to_bake.select())]
        assert sorted(rows) == sorted((id, loaf) for id, history in self.histories.items() for loaf in history[1:])
        found = {key: self.shop.find_key("baker-1", key) for key in ("k1", "k2", "k3")}
        assert {key: (row.aggregate_id, row.version) for key, row in found.items() if row} == self.keys
        assert self.shop.recorder.position("mill", 3) == at(self.sequence)

    def teardown(self):
        self.shop.close()
        self.folder.cleanup()


def at(sequence: int | None) -> Position | None:
    return None if sequence is None else Position(EPOCH, sequence, f"{sequence}-1")


TestLog = LogMachine.TestCase
TestLog.settings = settings(max_examples=25, stateful_step_count=15)
