"""The tab of the customer page with usage: a chart, the same numbers as a table, and the export."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from pydantic import ValidationError

from apps.backoffice.dependencies import customer_page
from apps.backoffice.schemas.customer_page import CustomerHeader
from apps.core.admin.form_fields import NO_ROW_ID, parse_row_id
from apps.core.admin.staff_rights import acting_staff
from apps.core.authorization.catalogue import CUSTOMERS_READ, KEYS_READ
from apps.core.authorization.principal import Principal
from apps.core.errors import NotFound
from apps.core.event_loop import call_service
from apps.core.schemas.page import CursorQuery
from apps.core.values.amounts import amount_text
from apps.usage.schemas.usage_export import UsageExportQuery
from apps.usage.schemas.usage_report import UsageInInterval, UsageNumbers, UsageOfGroup, UsageQuery

PERIODS = {"day": "30 days", "hour": "24 hours", "month": "12 months"}
GROUPS = {"key": "key", "tag": "tag", "code": "verdict"}
TIMES = {"day": "%Y-%m-%d", "hour": "%Y-%m-%d %H:%M", "month": "%Y-%m"}
CHART_HEIGHT, BAR_WIDTH, BAR_GAP = 120, 18, 4


class TabQuery(CursorQuery):
    """The part of a list that a tab shows; of the usage, its intervals and groups."""

    interval: Literal["day", "hour", "month"] = "day"
    group_by: Literal["key", "tag", "code"] = "key"


class Bar(NamedTuple):
    """One interval of the chart: the allowed calls, and the refused ones on top of them, in units of the drawing."""

    x: int
    allowed_y: int
    allowed_height: int
    refused_y: int
    refused_height: int
    words: str


class Row(NamedTuple):
    """A row of a table."""

    name: str
    numbers: UsageNumbers
    cost: str
    key_id: int | None = None


async def usage_content(actor: Principal, header: CustomerHeader, query: CursorQuery) -> dict[str, Any]:
    """Return what the tab shows."""
    chosen = query if isinstance(query, TabQuery) else TabQuery()
    asked = UsageQuery.model_validate({"interval": chosen.interval, "group_by": chosen.group_by})
    report = await customer_page().usage_of(actor, header, asked)
    rows = [_row(each.starts_at.strftime(TIMES[chosen.interval]), each) for each in reversed(report.intervals)]
    groups = [_row(_name(header, group), group, group.key_id) for group in report.groups]
    others = report.other if report.other and (report.other.calls or report.other.refused) else None
    return {
        "report": report,
        "bars": bars_of(report.intervals, TIMES[chosen.interval]),
        "chart_width": len(report.intervals) * (BAR_WIDTH + BAR_GAP),
        "chart_height": CHART_HEIGHT,
        "bar_width": BAR_WIDTH,
        "rows": [row for row in rows if row.numbers.calls or row.numbers.refused],
        "groups": groups + ([_row("others", others)] if others else []),
        "total": _row("total", report.total),
        "chosen": chosen,
        "periods": PERIODS,
        "groupings": GROUPS,
    }


def bars_of(intervals: Sequence[UsageInInterval], time_format: str) -> list[Bar]:
    """Return the bars of a chart in which the largest interval is as high as the chart."""
    highest = max((each.calls + (each.refused or 0) for each in intervals), default=0) or 1
    bars = []
    for number, each in enumerate(intervals):
        allowed, refused = _height(each.calls, highest), _height(each.refused or 0, highest)
        top = CHART_HEIGHT - allowed
        words = f"{_moment(each.starts_at, time_format)}: {each.calls:,} allowed, {each.refused or 0:,} refused"
        bars.append(Bar(number * (BAR_WIDTH + BAR_GAP), top, allowed, top - refused, refused, words))
    return bars


def _height(calls: int, highest: int) -> int:
    return calls * CHART_HEIGHT // highest if calls * CHART_HEIGHT >= highest else int(calls > 0)


def _moment(moment: datetime, time_format: str) -> str:
    return moment.strftime(time_format)


def _row(name: str, numbers: UsageNumbers, key_id: int | None = None) -> Row:
    return Row(name, numbers, "" if numbers.cost is None else amount_text(numbers.cost), key_id)


def _name(header: CustomerHeader, group: UsageOfGroup) -> str:
    if group.key_id is not None:
        return header.name_of(group.key_id)
    return group.code or group.tag or "no tag"


def export_page(request: HttpRequest, user_id: str) -> HttpResponse | StreamingHttpResponse:
    """Send the customer's calls as a file, while it is read."""
    actor, account_id = acting_staff(request), parse_row_id(user_id)
    if not (actor.has_scope(CUSTOMERS_READ) and actor.has_scope(KEYS_READ)):
        raise PermissionDenied
    if account_id == NO_ROW_ID:
        raise Http404
    try:
        query = UsageExportQuery.model_validate({"format": request.GET.get("format", "csv")})
        file = call_service(customer_page().calls_of, actor, account_id, query)
    except (ValidationError, NotFound):
        raise Http404 from None
    headers = {"Content-Disposition": f'attachment; filename="{file.name}"', "Cache-Control": "no-store"}
    return StreamingHttpResponse(file.chunks, content_type=file.content_type, headers=headers)
