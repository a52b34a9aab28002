"""The plans of all statements that this process runs, as PostgreSQL's extension auto_explain reports them to clients.

    with explained() as plans:
        await api.get("/api/v1/users/me")
    assert not [plan for plan in plans if plan.problems(large)]

Triggers' statements are included. The connections must be opened inside, with the options `EXPLAINING`.
"""

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from psycopg import BaseConnection
from psycopg.errors import Diagnostic

EXPLAINING = " ".join(
    f"-c {setting}"
    for setting in (
        "session_preload_libraries=auto_explain",
        "auto_explain.log_min_duration=0",
        "auto_explain.log_format=json",
        "auto_explain.log_nested_statements=on",
        "auto_explain.log_analyze=on",
        "client_min_messages=log",
        "log_min_messages=fatal",  # to the client only
    )
)
SEQUENTIAL = {"Seq Scan", "Sample Scan"}
WHOLE_JOINS = {"Hash Join", "Merge Join"}
# More than any list returns, and fewer than a large table has.
ROWS_MAXIMUM = 1_000


@dataclass(frozen=True)
class Plan:
    """How PostgreSQL ran one statement."""

    sql: str
    root: dict[str, Any]

    def problems(self, large: Collection[str]) -> list[str]:
        """Return the nodes that read a large table as a whole, or that join one by reading all rows of a side."""
        return [problem for node in _nodes(self.root) for problem in _problems(node, large)]

    def long_reads(self, large: Collection[str], maximum: int = ROWS_MAXIMUM) -> list[str]:
        """Return the nodes that read more than `maximum` rows of a large table, which nobody sees, or sort them."""
        reading = [node for node in _nodes(self.root) if node.get("Relation Name") in large]
        return [
            f"{node['Node Type']} of {_rows_read(node)} rows of {node['Relation Name']}"
            for node in reading
            if _rows_read(node) > maximum
        ]


class ReportedPlans:
    """The plans of the statements that have run since `clear`."""

    def __init__(self) -> None:
        self._reports: list[str] = []

    def __iter__(self) -> Iterator[Plan]:
        for report in self._reports:
            found = json.loads(report)
            yield Plan(found["Query Text"], found["Plan"])

    def clear(self) -> None:
        self._reports.clear()

    def add(self, notice: str) -> None:
        """Add the plan that a notice reports, if it is one of auto_explain."""
        duration, heading, report = notice.partition("plan:\n")
        if heading and duration.startswith("duration: "):
            self._reports.append(report)


@contextmanager
def explained() -> Iterator[ReportedPlans]:
    """Collect the plans of the statements inside."""
    plans = ReportedPlans()

    def notice(_connection: object, result: Any) -> None:
        plans.add(Diagnostic(result, "utf-8").message_primary or "")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseConnection, "_notice_handler", staticmethod(notice))
        yield plans


def _problems(node: dict[str, Any], large: Collection[str]) -> Iterator[str]:
    kind, table = node["Node Type"], node.get("Relation Name")
    if kind in WHOLE_JOINS and (joined := {str(each.get("Relation Name")) for each in _nodes(node)} & set(large)):
        yield f"{kind} of {', '.join(sorted(joined))}"
    if table in large and kind in SEQUENTIAL:
        yield f"{kind} of {table}"
    elif table in large and (read := _rows_read(node)) > ROWS_MAXIMUM:
        yield f"{kind} of {read} rows of {table}"


def _rows_read(node: dict[str, Any]) -> int:
    removed = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return int(node["Actual Loops"] * (node["Actual Rows"] + removed))


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)
