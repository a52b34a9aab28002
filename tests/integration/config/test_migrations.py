"""Every migration can be reversed and applied again."""

import io
from datetime import UTC, datetime

import pytest
from django.core.management import call_command
from django.db import connection

from apps.api_keys.models import ApiKey, ApiKeyCounter
from apps.credits.models import CreditBalance, CreditTransaction
from apps.plans.models import Plan
from apps.users.models import Role, User
from config.installed_apps import APP_LAYERS
from tests.support.factories import give_credits, make_key, make_user
from tests.support.server import PROJECT

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
        for model in (Role, Plan):
            model.objects.create(name="the\u0301")
            model.objects.create(name="the\u0301 2")
            model.objects.create(name="th\u00e9")
    finally:
        call_command("migrate", verbosity=0)
    assert User.objects.get(pk=user.pk).full_name == "Caf\u00e9"
    assert ApiKey.objects.get(pk=key.id).name == "Caf\u00e9"
    for model in (Role, Plan):
        names = set(model.objects.filter(name__startswith="th").values_list("name", flat=True))
        assert names == {"the\u0301", "th\u00e9", "th\u00e9 2"}


@pytest.mark.usefixtures("database")
def test_models_and_migrations_agree():
    out = io.StringIO()
    call_command("makemigrations", "--check", "--dry-run", stdout=out)
    assert out.getvalue() == "No changes detected\n"
