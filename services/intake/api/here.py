"""The application that the routes of intake call."""

from services.intake.application import Intake
from shared.http import application


def intake() -> Intake:
    """Give the application of the present app."""
    return application(Intake)
