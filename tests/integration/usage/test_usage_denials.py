"""Counts of refused calls are removed after 90 days."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from apps.core.event_loop import call_service
from apps.usage.models import UsageDenial
from apps.usage.repositories.usage_denial_repository import UsageDenialRepository

pytestmark = pytest.mark.usefixtures("database")


def refuse(key_id: int, age: timedelta) -> None:
    UsageDenial.objects.create(api_key_id=key_id, minute_at=timezone.now() - age, code="EXPIRED", count=1)


def kept() -> list[int]:
    return sorted(UsageDenial.objects.values_list("api_key_id", flat=True))


def test_counts_are_kept_for_ninety_days():
    refuse(1, timedelta(days=91))
    refuse(2, timedelta(days=89))
    out = StringIO()
    call_command("clean_up", "--json", stdout=out)
    assert json.loads(out.getvalue())["usage_denials"] == 1
    assert kept() == [2]


def test_counts_are_removed_in_batches():
    for number in range(3):
        refuse(number, timedelta(days=91))
    assert call_service(UsageDenialRepository().remove_old, 2) == 2
    assert len(kept()) == 1
