"""Columns of worklists on both databases: those that hold a word, and what says that a unique one is taken."""

from __future__ import annotations

from enum import StrEnum

from psycopg.errors import UniqueViolation
from sqlalchemy import Enum
from sqlalchemy.exc import IntegrityError

VALUE_TAKEN: tuple[type[Exception], ...] = (IntegrityError, UniqueViolation)
"""What saving raises (SQLite, PostgreSQL) where another command has just put the same value into a unique column."""


def word_of(words: type[StrEnum]) -> Enum:
    """Give the type of a column that holds one of these words: kept as text, read back as the word."""
    return Enum(words, native_enum=False, length=40, values_callable=lambda known: [word.value for word in known])
