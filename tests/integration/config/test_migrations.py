"""Every migration can be reversed and applied again."""

import io
import json
import time
from datetime import UTC, datetime

import pytest
from django.core.management import call_command
from django.db import connection
from pydantic import SecretStr

from apps.api_keys.models import ApiKey, ApiKeyCounter
from apps.core.authorization.principal import OPERATOR
from apps.core.event_loop import call_service
from apps.credits.models import CreditBalance, CreditTransaction
from apps.plans.models import Plan
from apps.users.models import Role, User
from apps.verification.dependencies import verification_service
from apps.verification.models import VerificationAnswer
from apps.verification.schemas.verification import VerifyRequest
from apps.verification.services.key_rate_limits import COUNTER, KeyRateLimits, with_windows
from apps.verification.services.sliding_window_counter import ENTRY
from config.installed_apps import APP_LAYERS
from tests.support.factories import give_credits, make_key, make_user
from tests.support.server import PROJECT
from tests.unit.verification.records import record

APPS = [label for layer in APP_LAYERS for label in layer if (PROJECT / "apps" / label / "migrations").is_dir()]


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("label", APPS)
def test_app_migrates_backwards_and_forwards(label: str):
    try:
        call_command("migrate", label, "zero", verbosity=0)
    finally:
        call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM plans ORDER BY id")
        assert [name for (name,) in cursor.fetchall()] == ["free", "pro", "enterprise"]


@pytest.mark.usefixtures("database")
def test_existing_accounts_and_keys_get_ledger_and_counters():
    key, user = make_key(), make_user()
    try:
        call_command("migrate", "api_keys", "20261122_1612_create_api_keys", verbosity=0)
        call_command("migrate", "credits", "20261122_1612_create_credits", verbosity=0)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE credit_balances SET balance = 5 WHERE user_id = %s", [user.pk])
            cursor.execute("DELETE FROM credit_balances WHERE user_id = %s", [key.row.user_id])
            cursor.execute("UPDATE api_keys SET last_used_at = '2026-01-01' WHERE id = %s", [key.id])
    finally:
        call_command("migrate", verbosity=0)
    assert ApiKeyCounter.objects.get(pk=key.id).last_used_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert dict(CreditBalance.objects.values_list("user_id", "balance")) == {user.pk: 5, key.row.user_id: 0}
    call_command("audit_ledger", stdout=io.StringIO())


@pytest.mark.usefixtures("database")
def test_ledger_is_opened_once():
    user = make_user()
    give_credits(user, 5)
    try:
        call_command("migrate", "credits", "20261122_1842_append_only_ledger", verbosity=0)
        CreditBalance.objects.filter(pk=user.pk).update(balance=7)
    finally:
        call_command("migrate", verbosity=0)
    entries = CreditTransaction.objects.order_by("id")
    assert [(int(entry.amount), int(entry.balance_after)) for entry in entries] == [(5, 5), (2, 7)]


@pytest.mark.usefixtures("database")
def test_existing_email_addresses_are_normalised():
    entered = ["Ann@exämple.de", "bob@straße.DE", "eve@xn--exmple-cua.de", "Eve@exämple.de", "joe@EXAMPLE.com"]
    ids = [make_user().pk for _ in entered]
    try:
        call_command("migrate", "users", "20261122_1741_sessions_ended_at", verbosity=0)
        for user_id, email in zip(ids, entered, strict=True):
            User.objects.filter(pk=user_id).update(email=email)
    finally:
        call_command("migrate", verbosity=0)
    assert list(User.objects.order_by("id").values_list("email", flat=True)) == [
        "Ann@xn--exmple-cua.de",
        "bob@xn--strae-oqa.de",
        "eve@xn--exmple-cua.de",
        "Eve@exämple.de",  # another account has it already: left to staff
        "joe@EXAMPLE.com",
    ]


INSERT_PLAN = "INSERT INTO plans (name, credits_monthly, created_at, updated_at) VALUES (%s, 0, now(), now())"


@pytest.mark.usefixtures("database")
def test_existing_names_are_composed():
    user, key = make_user(), make_key()
    try:
        for label, migration in (
            ("users", "20261127_1640_seed_staff_roles"),
            ("api_keys", "20261127_1731_index_parents"),
            ("plans", "20261122_1613_seed_plans"),
        ):
            call_command("migrate", label, migration, verbosity=0)
        User.objects.filter(pk=user.pk).update(full_name="Cafe\u0301")
        ApiKey.objects.filter(pk=key.id).update(name="Cafe\u0301")
        for name in ("the\u0301", "the\u0301 2", "th\u00e9"):
            Role.objects.create(name=name)
            with connection.cursor() as cursor:  # the model has columns that this table has not yet
                cursor.execute(INSERT_PLAN, [name])
    finally:
        call_command("migrate", verbosity=0)
    assert User.objects.get(pk=user.pk).full_name == "Caf\u00e9"
    assert ApiKey.objects.get(pk=key.id).name == "Caf\u00e9"
    for model in (Role, Plan):
        names = set(model.objects.filter(name__startswith="th").values_list("name", flat=True))
        assert names == {"the\u0301", "th\u00e9", "th\u00e9 2"}


JSON_COUNTERS = "20261127_1937_index_prefixes"  # the last with counters as JSON
NOW_MS = 1_795_000_000_000


@pytest.mark.usefixtures("database")
def test_counters_become_json_and_are_read_by_the_next_use():
    used, unused, large = make_key(), make_key(), make_key()
    limits = KeyRateLimits(record(("minute", 9, 60), ("hour", 9, 3600)).rate_limits, b"", NOW_MS)
    limits.use(2)
    counters = {
        used.id: limits.stored(),
        unused.id: b"",
        large.id: with_windows(b"", f"[[60000,{NOW_MS},5,{NOW_MS},{2**32 - 1}]]"),
    }
    for key_id, entries in counters.items():
        ApiKeyCounter.objects.filter(pk=key_id).update(entries=entries)
    try:
        call_command("migrate", "api_keys", JSON_COUNTERS, verbosity=0)
        with connection.cursor() as cursor:
            cursor.execute("SELECT api_key_id, windows FROM api_key_counters")
            windows = {key_id: json.loads(text) for key_id, text in cursor.fetchall()}
    finally:
        call_command("migrate", verbosity=0)
    assert windows[used.id] == [[60_000, NOW_MS, 2], [3_600_000, NOW_MS, 2]]
    assert windows[unused.id] == []
    assert windows[large.id] == [[60_000, NOW_MS, 5, NOW_MS, 2**32 - 1]]
    for counter in ApiKeyCounter.objects.filter(pk__in=counters):
        assert bytes(counter.entries) == b""
        assert with_windows(bytes(counter.entries), counter.windows) == counters[counter.pk]


@pytest.mark.usefixtures("database")
def test_calls_that_were_counted_as_json_count_after_an_upgrade():
    key = make_key(rate_limits=[{"name": "hour", "limit": 5, "period_seconds": 3600}])
    made_ms = int(time.time() * 1000) - 1000
    ApiKeyCounter.objects.filter(pk=key.id).update(windows=f"[[3600000,{made_ms},3]]")
    request = VerifyRequest(key=SecretStr(key.secret))
    answers = [call_service(verification_service().verify, OPERATOR, request) for _ in range(3)]
    assert [[status.remaining for status in answer.rate_limits if status.name == "hour"] for answer in answers] == [
        [1],
        [0],
        [0],
    ]
    assert [str(answer.code) for answer in answers] == ["VALID", "VALID", "RATE_LIMITED"]
    counter = ApiKeyCounter.objects.get(pk=key.id)
    assert counter.windows == "[]"
    assert sum(weight for _, weight in ENTRY.iter_unpack(bytes(counter.entries)[COUNTER.size :][: 2 * ENTRY.size])) >= 3


@pytest.mark.usefixtures("database")
def test_going_back_keeps_the_first_of_several_callers_with_the_same_request_id():
    first, later = datetime(2026, 11, 27, 12, tzinfo=UTC), datetime(2026, 11, 27, 13, tzinfo=UTC)
    for caller, decided_at in (("api_key:1", later), ("api_key:2", first), ("user:1", later)):
        VerificationAnswer.objects.create(
            caller=caller, api_key_id=7, request_id="r", answered_at=decided_at, answer=f'{{"by": "{caller}"}}'
        )
    VerificationAnswer.objects.create(caller="user:1", api_key_id=8, request_id="r", answered_at=later, answer="{}")
    try:
        call_command("migrate", "verification", "20261122_1841_create_verification_answers", verbosity=0)
        with connection.cursor() as cursor:
            cursor.execute("SELECT api_key_id, answer FROM verification_answers ORDER BY api_key_id")
            assert cursor.fetchall() == [(7, '{"by": "api_key:2"}'), (8, "{}")]
    finally:
        call_command("migrate", verbosity=0)
    # They belong to no caller, so none gets a response that was stored without one.
    assert set(VerificationAnswer.objects.values_list("caller", flat=True)) == {""}


@pytest.mark.usefixtures("database")
def test_models_and_migrations_agree():
    out = io.StringIO()
    call_command("makemigrations", "--check", "--dry-run", stdout=out)
    assert out.getvalue() == "No changes detected\n"
