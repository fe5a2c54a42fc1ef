"""The sentence that every exercise plan carries."""

COMPLEMENTARY_CARE = (
    "This exercise plan is part of a wider treatment plan and does not replace prescribed medication or "
    "psychotherapy; do not stop or change them without your prescriber."
)
"""Stored verbatim in every plan (clinical rules, section 4.1)."""
