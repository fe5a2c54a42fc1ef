"""Who did it, in words: a colleague in a role, oneself, or a rule of CareTrail on behalf of somebody."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from services.portal.pages import words

RULE = re.compile(r"(?:policy|timer):(?P<service>[a-z]+)\.(?P<name>\w+)")
RANDOM_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
SHOWN_OF_RANDOM = 8


class People:
    """The people of one patient's trail, as the one who reads it knows them; `care_team` gives members' roles.

    `names` are those that the local issuer knows by id; another issuer's people keep their ids.
    """

    def __init__(self, reader_id: str, care_team: Mapping[str, str], names: Mapping[str, str] = MappingProxyType({})):
        self._reader_id = reader_id
        self._names = names
        self._roles = care_team
        self._in_role = Counter(care_team.values())

    def name(self, id: str | None, role: str | None = None) -> str:
        """Name somebody: "you", their name, the account's id, or, where that is random, the role: "the physician".

        Of a random id as much is added as tells it from the others in that role.
        """
        if id is None:
            return "CareTrail"
        if id == self._reader_id:
            return "you"
        if id in self._names:
            return self._names[id]
        return self._nameless(id, role or self._roles.get(id)) if RANDOM_ID.fullmatch(id) else id

    def with_role(self, id: str | None, role: str | None = None) -> str:
        """Name somebody with their role in this patient's care, as far as it is known."""
        role = role or self._roles.get(id or "")
        called, name = words.words(words.ROLES, role).lower(), self.name(id, role)
        return name if not called or called in name else f"{name}, {called}"

    def actor(self, actor: Mapping[str, Any]) -> str:
        """Say who did it: "you, physician", or "CareTrail's rule ..., for you"."""
        rule = RULE.fullmatch(actor["id"])
        if rule is None:
            return self.with_role(actor["id"], actor["role"])
        behalf = f", for {self.name(actor['on_behalf_of'])}" if actor["on_behalf_of"] else ""
        return f"CareTrail’s rule “{words.spelled(rule['name'])}”{behalf}"

    def _nameless(self, id: str, role: str | None) -> str:
        short = id[:SHOWN_OF_RANDOM]
        if role is None:
            return short
        called = f"the {words.words(words.ROLES, role).lower()}"
        alone = self._in_role[role] == 1 and self._roles.get(id) == role
        return called if alone else f"{called} {short}"


def care_team_of(record: Mapping[str, Any]) -> dict[str, str]:
    """Give the role of each member of a patient's care team."""
    return {member["member_id"]: member["role"] for member in record["care_team"]}
