"""Idempotency records are removed after a day."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from apps.core.background.clean_up import in_batches
from apps.core.event_loop import call_service
from apps.verification.models import VerificationAnswer
from apps.verification.repositories.idempotency_repository import IdempotencyRepository

pytestmark = pytest.mark.usefixtures("database")

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def make_record(number: int, age: timedelta) -> None:
    moment = timezone.now() - age
    VerificationAnswer.objects.create(api_key_id=number, request_id="r", answered_at=moment, answer="{}")


def kept() -> list[int]:
    return sorted(VerificationAnswer.objects.values_list("api_key_id", flat=True))


def test_stored_responses_are_kept_for_a_day():
    make_record(1, DAY + HOUR)
    make_record(2, DAY - HOUR)
    out = StringIO()
    call_command("clean_up", "--json", stdout=out)
    assert json.loads(out.getvalue())["verification_answers"] == 1
    assert kept() == [2]


def test_old_records_are_removed_in_batches_the_oldest_first():
    for number in range(5):
        make_record(number, DAY + HOUR * (number + 1))
    assert call_service(IdempotencyRepository().remove_old, 2) == 2
    assert kept() == [0, 1, 2]
    assert call_service(in_batches(IdempotencyRepository().remove_old, 2)) == 3
    assert kept() == []
