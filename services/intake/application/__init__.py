"""What people may ask of intake."""

from services.intake.application.imports import Imported, ImportedPerson, ImportedResource
from services.intake.application.use_cases import Intake

__all__ = ["Imported", "ImportedPerson", "ImportedResource", "Intake"]
