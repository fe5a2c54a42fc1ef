"""What a type of fact is called where a person reads it."""

from __future__ import annotations

WITH_HYPHEN = ("check-in", "mental-health")
"""Words of a type's name that keep their hyphen."""


def title_of(type_name: str) -> str:
    """Call a type by its name in words: "Patient registered", "Referral accepted", "Check-in recorded"."""
    _, service, *names, _ = type_name.split(".")
    # One word alone, like `accepted`, says what became of the service's one subject.
    words = [service, *names] if names and "-" not in names[-1] else names
    title = " ".join(words).replace("-", " ")
    for word in WITH_HYPHEN:
        title = title.replace(word.replace("-", " "), word)
    return title[:1].upper() + title[1:]
