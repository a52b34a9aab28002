"""The table of `docs/security.md` that says who may do what, and the callers that are its columns."""

import os
from collections.abc import Mapping
from pathlib import Path

DOCUMENT = Path(__file__).parents[2] / "docs" / "security.md"
BEGIN, END = "<!-- rights:begin -->\n", "<!-- rights:end -->"
ROLES = ("support", "finance", "operations", "auditor", "administrator")
KEYS = {
    "key": ["mine"],
    "key, read": ["mine", "account:read"],
    "key, read and write": ["mine", "account:read", "account:write"],
}
COLUMNS = ("anonymous", "customer", *KEYS, *ROLES, "superuser")
REFUSED, OWN, OTHERS, ALL, YES = "no", "own", "others", "all", "yes"


def column_of_document(first: str, column: str) -> dict[str, str]:
    """Return the cells of the column, by row, in the table whose first heading is `first`."""
    return {row: cells[column] for row, cells in _tables().get(first, {}).items()}


def check_column(first: str, column: str, cells: Mapping[str, str]) -> None:
    """Compare the cells with those of the document, or write them there with UPDATE_SNAPSHOTS=1."""
    if os.environ.get("UPDATE_SNAPSHOTS"):
        _write(first, column, cells)
    found = column_of_document(first, column)
    different = {
        row: (found.get(row), cells.get(row)) for row in {**found, **cells} if found.get(row) != cells.get(row)
    }
    assert different == {}, f"{column}: docs/security.md has the first, the code the second; UPDATE_SNAPSHOTS=1 renews"


def _tables() -> dict[str, dict[str, dict[str, str]]]:
    text = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    tables: dict[str, dict[str, dict[str, str]]] = {}
    table: dict[str, dict[str, str]] = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 1 + len(COLUMNS) and cells[1] == COLUMNS[0]:
            table = tables.setdefault(cells[0], {})
        elif len(cells) == 1 + len(COLUMNS) and not cells[1].startswith("---"):
            table[cells[0]] = dict(zip(COLUMNS, cells[1:], strict=True))
    return tables


def _write(first: str, column: str, cells: Mapping[str, str]) -> None:
    tables = _tables()
    before = tables.get(first, {})
    unknown = dict.fromkeys(COLUMNS, "?")
    tables[first] = {row: {**before.get(row, unknown), column: cell} for row, cell in cells.items()}
    text = DOCUMENT.read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    written = "\n".join(_lines(title, table) for title, table in sorted(tables.items()))
    DOCUMENT.write_text(f"{head}{BEGIN}\n{written}\n{END}{tail}", encoding="utf-8")


def _lines(first: str, table: Mapping[str, Mapping[str, str]]) -> str:
    rows = [[first, *COLUMNS], ["---"] * (1 + len(COLUMNS))]
    rows += [[row, *(cells[column] for column in COLUMNS)] for row, cells in table.items()]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
