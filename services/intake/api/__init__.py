"""Intake over HTTP: patients, screenings, imported history, and what waits for a coordinator."""

from services.intake.api import imported, patients, screenings, waiting
from services.intake.api.access import ACCESS

BLUEPRINTS = (patients.blueprint, screenings.blueprint, imported.blueprint, waiting.blueprint)

__all__ = ["ACCESS", "BLUEPRINTS"]
