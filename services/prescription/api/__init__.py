"""The prescription service over HTTP: write, revise and steer programs, and see what may be prescribed."""

from services.prescription.api.routes import ACCESS, blueprint

__all__ = ["ACCESS", "blueprint"]
