"""`clean_up` and counts of wrong codes."""

import io
import json
from datetime import timedelta

from django.core.management import call_command
from django.utils import timezone

from apps.second_factors.models import FactorAttempt
from apps.users.models import User
from tests.support.factories import make_user


def attempt(user: User, address: str, failed: timedelta, locked: timedelta | None = None) -> int:
    now = timezone.now()
    row = FactorAttempt.objects.create(
        user=user,
        client_address=address,
        failures=1,
        first_failed_at=now - failed,
        last_failed_at=now - failed,
        locked_until=now + locked if locked else None,
    )
    return row.pk


def test_deletes_counts_of_wrong_codes_that_no_longer_lock(database):
    user, day, hour = make_user(), timedelta(days=1), timedelta(hours=1)
    attempt(user, "192.0.2.1", day + hour)
    attempt(user, "192.0.2.2", day + hour, -hour)
    kept = {attempt(user, "192.0.2.3", day - hour), attempt(user, "", day + hour, hour)}
    out = io.StringIO()
    call_command("clean_up", "--json", stdout=out)
    assert json.loads(out.getvalue())["second_factor_attempts"] == 2
    assert set(FactorAttempt.objects.values_list("pk", flat=True)) == kept
