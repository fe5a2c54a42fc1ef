"""The declared graph of reactions: as docs/ shows it, without a circle, and every refusal under a name of its own."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from events.vocabulary import CATALOGUE
from services.suite import SERVICES
from shared.service import Service

PAGE = Path(__file__).parents[2] / "docs" / "reactions.md"
ROW = re.compile(
    r"\| (?P<service>\w+) \| (?P<policy>\w+) \| `(?P<on>[^`]+)` \| (?P<records>[^|]+) \| (?P<days>\d+) days \|"
)


def declared() -> set[tuple[str, str, str, str, int]]:
    """Service, policy, cause, effect and window in days of every reaction of the running suite."""
    return {
        (service.name, policy.name, CATALOGUE.name_of(policy.on), CATALOGUE.name_of(effect), policy.within.days)
        for service in SERVICES
        for policy in service.policies
        for effect in policy.records
    }


def documented() -> set[tuple[str, str, str, str, int]]:
    """The same from the page's table."""
    return {
        (row["service"], row["policy"], row["on"], effect, int(row["days"]))
        for row in ROW.finditer(PAGE.read_text("utf-8"))
        for effect in re.findall(r"`([^`]+)`", row["records"])
    }


class TestTheGraph:
    def test_is_the_one_in_the_documentation(self):
        assert documented() == declared() != set()

    def test_has_no_circle(self):
        leads_to = defaultdict(set)
        for _, _, cause, effect, _ in declared():
            leads_to[cause].add(effect)

        def follows(start: str, seen: tuple[str, ...]) -> None:
            assert start not in seen, f"a circle: {' -> '.join((*seen, start))}"
            for effect in leads_to[start]:
                follows(effect, (*seen, start))

        for cause in list(leads_to):
            follows(cause, ())

    def test_has_one_policy_of_a_name_for_a_type(self):
        # The id of a refusal is derived from event and policy: two services must not record under the same.
        names = Counter((policy.on, policy.name) for service in SERVICES for policy in service.policies)

        assert [name for name, number in names.items() if number > 1] == []

    @pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
    def test_lets_each_service_record_only_its_own_facts_after_facts_of_its_upstreams(self, service: Service):
        for policy in service.policies:
            assert CATALOGUE.name_of(policy.on).split(".")[1] in service.upstreams
            assert {CATALOGUE.name_of(effect).split(".")[1] for effect in policy.records} == {service.name}
