"""Charts: what they show as Vega-Lite specifications, and their drawing as SVG."""

from services.portal.charts.drawing import Charts, NotDrawn
from services.portal.charts.phq9 import PHONE, WIDE, Mark, Point, Size, description, phq9_spec

__all__ = ["PHONE", "WIDE", "Charts", "Mark", "NotDrawn", "Point", "Size", "description", "phq9_spec"]
