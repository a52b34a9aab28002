"""Reads named statements from an app's .sql file.

A statement begins after a line `-- name: <name>` and ends before the next such line.
"""

import re
from pathlib import Path

_HEADING = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def load_statements(path: Path) -> dict[str, str]:
    """Return the statements in the file by name."""
    parts = _HEADING.split(path.read_text(encoding="utf-8"))
    return {name: body.strip() for name, body in zip(parts[1::2], parts[2::2], strict=True)}
