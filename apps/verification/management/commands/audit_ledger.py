"""`manage.py audit_ledger`."""

import sys
from typing import Any

from apps.core.event_loop import call_service
from apps.core.management.service_command import ServiceCommand, json_of
from apps.verification.dependencies import ledger_audit
from apps.verification.schemas.ledger_audit import LedgerAuditReport, LedgerViolation

INCONSISTENT_EXIT_CODE = 1
ROW_IDS = {"user_id": "user", "transaction_id": "transaction", "usage_event_id": "usage event", "api_key_id": "key"}


class Command(ServiceCommand):
    """Checks that balances, the ledger and usage agree; changes nothing."""

    help = (
        "Check that balances, the ledger, usage and approvals agree. Exits with 0 when they do; otherwise prints the "
        "rows that do not and exits with 1."
    )
    examples = ("manage.py audit_ledger", "manage.py audit_ledger --json")

    def run(self, options: dict[str, Any]) -> None:
        """Compare, and print the report."""
        report = call_service(ledger_audit().run)
        if options["json"]:
            self.stdout.write(json_of(report))
        else:
            for violation in report.violations:
                self.stdout.write(_line(violation))
            self.stdout.write(_summary(report))
        if not report.holds:
            sys.exit(INCONSISTENT_EXIT_CODE)


def _line(violation: LedgerViolation) -> str:
    named = ((word, getattr(violation, name)) for name, word in ROW_IDS.items())
    places = " ".join(f"{word} {number}" for word, number in named if number is not None)
    found = "no row" if violation.found is None else f"{violation.found:f}"
    return f"{violation.check}: {places}: expected {violation.expected:f}, found {found}"


def _summary(report: LedgerAuditReport) -> str:
    compared = (
        f"{report.balances} balances, {report.transactions} ledger entries, {report.usage_events} usage events "
        f"and {report.api_keys} keys"
    )
    if report.holds:
        return f"The ledger is consistent: {compared} agree."
    wrong, shown = report.violations_total, len(report.violations)
    return f"The ledger is inconsistent. Violations: {wrong}, shown: {shown}, compared: {compared}."
