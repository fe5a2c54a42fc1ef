"""The shape of a questionnaire: items, bands and how answers become a result."""

from dataclasses import dataclass
from enum import StrEnum


class Method(StrEnum):
    """How answers become a result."""

    SUM = "sum"
    PERCENT = "percent"  # WHO-5: raw sum times four
    CLUSTERS = "clusters"  # PCL-5: sum, prorated within symptom clusters
    POSITIVES = "positives"  # ASRS: number of items past their own threshold
    BRANCHING = "branching"  # C-SSRS: a tier, no sum


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One item: its number from 1, our own short concept label and its LOINC code where one is confirmed."""

    number: int
    label: str
    loinc: str | None = None
    cluster: str | None = None
    positive_from: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A severity band; both bounds belong to it."""

    code: str
    low: int
    high: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """One questionnaire. `minimum`..`maximum` is the answer range; bands are on the total (WHO-5: on the percent)."""

    id: str
    version: str
    name: str
    method: Method
    items: tuple[Item, ...]
    unscored: tuple[Item, ...] = ()
    minimum: int = 0
    maximum: int
    bands: tuple[Band, ...] = ()
    bands_validated: bool = True
    reversed_items: frozenset[int] = frozenset()
    higher_is_better: bool = False
    recall: str
    panel_loinc: str | None = None
    total_loinc: str | None = None
    answer_codes: tuple[str, ...] = ()
    unscored_answer_codes: tuple[str, ...] = ()
    licence: str
    source: str

    def band(self, value: int) -> str | None:
        """The code of the band that holds `value`; None where the instrument has no bands."""
        return next((band.code for band in self.bands if band.low <= value <= band.high), None)

    @property
    def highest_total(self) -> int:
        """The greatest sum of all scored items."""
        return self.maximum * len(self.items)
