"""The whole patient, folded from facts: pure, so that the same facts always give the same record."""

from services.history.domain import intake, monitoring, prescription, referral, refusals  # noqa: F401 they declare folds
from services.history.domain.record import PatientRecord, folded, own_fields
from services.history.domain.titles import title_of

__all__ = ["PatientRecord", "folded", "own_fields", "title_of"]
