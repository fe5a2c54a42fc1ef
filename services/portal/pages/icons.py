"""A few of Bootstrap's icons, drawn into the page: the whole sprite would be a megabyte on a phone."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

from markupsafe import Markup

SPRITE = files("flask_bootstrap") / "static" / "bootstrap5" / "icons" / "bootstrap-icons.svg"
SYMBOL = re.compile(r'id="([a-z0-9-]+)">(.*?)</symbol>')

NAMES = frozenset(
    {
        "activity",
        "arrow-left-right",
        "bell",
        "box-arrow-right",
        "calendar-event",
        "check-circle",
        "clipboard2-pulse",
        "clock-history",
        "diagram-3",
        "exclamation-triangle",
        "file-earmark-arrow-down",
        "flag",
        "heart-pulse",
        "person",
        "person-walking",
        "search",
        "shield-check",
        "signpost-split",
    }
)


@cache
def icon(name: str) -> Markup:
    """Draw an icon beside text; readers of the screen pass over it. KeyError for a name that is not in NAMES."""
    opening = '<svg class="bi flex-shrink-0" width="1em" height="1em" viewBox="0 0 16 16" fill="currentColor"'
    return Markup(f'{opening} aria-hidden="true" focusable="false">{_shapes()[name]}</svg>')  # noqa: S704 - ours alone


@cache
def _shapes() -> dict[str, str]:
    symbols = SYMBOL.finditer(SPRITE.read_text(encoding="utf-8"))
    return {symbol[1]: symbol[2] for symbol in symbols if symbol[1] in NAMES}
