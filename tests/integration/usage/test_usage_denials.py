"""Counts of refused calls are rolled up to quarters of an hour when they are a week old, and lose nothing."""

import json
from contextlib import closing
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from apps.core.event_loop import call_service
from apps.usage.models import DenialQuarter, UsageDenial
from apps.usage.repositories.usage_denial_repository import UsageDenialRepository
from tests.integration.usage.workers import other_connection

pytestmark = pytest.mark.usefixtures("database")

QUARTER = timezone.now().replace(hour=12, minute=30, second=0, microsecond=0) - timedelta(days=9)


def refuse(key_id: int, age: timedelta, count: int = 1) -> None:
    UsageDenial.objects.create(api_key_id=key_id, minute_at=timezone.now() - age, code="EXPIRED", count=count)


def kept() -> list[int]:
    return sorted(UsageDenial.objects.values_list("api_key_id", flat=True))


def test_minutes_are_kept_for_a_week():
    refuse(1, timedelta(days=9), count=3)
    refuse(2, timedelta(days=6, hours=23))
    out = StringIO()
    call_command("clean_up", "--json", stdout=out)
    assert json.loads(out.getvalue())["usage_denials"] == 1
    assert kept() == [2]
    assert list(DenialQuarter.objects.values_list("api_key_id", "code", "detail", "count")) == [(1, "EXPIRED", "", 3)]


def test_minutes_of_a_quarter_are_added_up():
    for minute, count in enumerate((1, 10, 100)):
        at = QUARTER + timedelta(minutes=5 * minute)
        UsageDenial.objects.create(api_key_id=1, minute_at=at, code="EXPIRED", detail="key", count=count)
        assert call_service(UsageDenialRepository().roll_up_old, 10) == 1
    counted = DenialQuarter.objects.order_by("quarter_at").values_list("quarter_at", "count")
    assert list(counted) == [(QUARTER, 111)]


def test_counts_are_rolled_up_in_batches_and_without_waiting():
    for number in range(4):
        refuse(number, timedelta(days=91))
    with closing(other_connection()) as other:
        other.execute("BEGIN")
        other.execute("SELECT FROM denials WHERE api_key_id = 0 FOR UPDATE")
        assert [call_service(UsageDenialRepository().roll_up_old, 2) for _ in range(3)] == [2, 1, 0]
        other.execute("ROLLBACK")
    assert kept() == [0]
