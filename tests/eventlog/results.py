"""Where a long test leaves what it found: one JSON file, with the day and the commit that it belongs to."""

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path


def write_down(folder: Path, name: str, **found: object) -> None:
    """Write a result."""
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    result = {"date": datetime.now(UTC).date().isoformat(), "commit": commit, **found}
    (folder / f"{name}.json").write_text(json.dumps(result, indent=2) + "\n", "utf-8")
