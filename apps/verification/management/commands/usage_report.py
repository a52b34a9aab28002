"""`manage.py usage_report`."""

from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any, get_args

from apps.core.authorization.principal import OPERATOR
from apps.core.event_loop import call_service
from apps.core.management.service_command import ServiceCommand, json_of
from apps.core.values.amounts import amount_text
from apps.core.values.shown_texts import escaped
from apps.usage.domain.usage_period import Interval
from apps.usage.schemas.usage_report import GroupBy, UsageInInterval, UsageNumbers, UsageQuery, UsageReport
from apps.users.dependencies import user_service
from apps.verification.dependencies import account_usage

NAMES = ("key_id", "tag", "code", "user_id")  # of a group: one of them is set
OPTIONS = ("interval", "tz", "group_by", "top")


class Command(ServiceCommand):
    """Prints the usage of a customer, or of all."""

    help = (
        "Print the usage of a customer, or without an address of all customers: a line for each interval that has "
        "calls, and the total. Columns: begin, group, calls, refused, cost. The sums are exact at this moment."
    )
    examples = (
        "manage.py usage_report ann@example.com",
        "manage.py usage_report ann@example.com --group-by key --interval month --tz Europe/Berlin",
        "manage.py usage_report --group-by customer --from 2026-10-01T00:00:00Z --to 2026-11-01T00:00:00Z --json",
    )

    def add_own_arguments(self, parser: ArgumentParser) -> None:
        """Add the customer, and what to sum."""
        parser.add_argument("email", metavar="EMAIL", nargs="?", help="the customer's e-mail address; without, all")
        parser.add_argument("--from", dest="starts_at", help="the begin, such as 2026-10-01T00:00:00Z")
        parser.add_argument("--to", dest="ends_at", help="the end, which is not included; now by default")
        parser.add_argument("--interval", choices=[str(interval) for interval in Interval], default="day")
        parser.add_argument("--tz", default="UTC", help="the time zone of the intervals, such as Europe/Berlin")
        parser.add_argument("--group-by", choices=get_args(GroupBy), help="customer is for all customers only")
        parser.add_argument("--top", type=int, default=10, help="how many of the largest groups are shown, up to 100")

    def run(self, options: dict[str, Any]) -> None:
        """Print the report."""
        fields = {name: options[name] for name in OPTIONS}
        fields |= {name: options[name] for name in ("starts_at", "ends_at") if options[name]}
        if options["email"]:
            fields["user_id"] = call_service(user_service().id_of_email, options["email"])
        else:
            fields["group_by"] = "customer"
        report = call_service(account_usage().report, OPERATOR, UsageQuery.model_validate(fields))
        for line in [json_of(report)] if options["json"] else _lines(report):
            self.stdout.write(line)


def _lines(report: UsageReport) -> Iterator[str]:
    for group in report.groups:
        name = next(str(value) for value in (getattr(group, name) for name in NAMES) if value is not None)
        yield from _intervals(name, group.intervals)
    if not report.groups:
        yield from _intervals("", report.intervals)
    yield _line("total", "", report.total)


def _intervals(group: str, intervals: list[UsageInInterval]) -> Iterator[str]:
    yield from (_line(str(each.starts_at), group, each) for each in intervals if each.calls or each.refused)


def _line(begin: str, group: str, numbers: UsageNumbers) -> str:
    refused = "-" if numbers.refused is None else str(numbers.refused)
    cost = "-" if numbers.cost is None else amount_text(numbers.cost)
    return "\t".join([begin, escaped(group), str(numbers.calls), refused, cost])
