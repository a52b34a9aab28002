"""Every migration goes back, and forward again."""

import io
from datetime import UTC, datetime

import pytest
from django.core.management import call_command
from django.db import connection

from apps.api_keys.models import ApiKeyCounter
from apps.credits.models import CreditBalance, CreditTransaction
from apps.users.models import User
from tests.support.factories import give_credits, make_key, make_user

ROOMS = (
    "plans", "users", "audit", "core", "usage", "credits", "api_keys", "verification", "one_time_tokens", "oauth",
    "authentication", "mail", "identities", "second_factors",
)  # fmt: skip


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("label", ROOMS)
def test_a_room_unbuilds_and_builds_again(label: str):
    try:
        call_command("migrate", label, "zero", verbosity=0)
    finally:
        call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM plans ORDER BY id")
        assert [name for (name,) in cursor.fetchall()] == ["free", "pro", "enterprise"]


@pytest.mark.usefixtures("database")
def test_an_installation_with_accounts_and_keys_gets_its_counters_and_its_ledger():
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
def test_the_ledger_begins_once():
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
def test_addresses_that_are_there_get_the_form_of_new_ones():
    typed = ["Ann@exämple.de", "bob@straße.DE", "eve@xn--exmple-cua.de", "Eve@exämple.de", "joe@EXAMPLE.com"]
    ids = [make_user().pk for _ in typed]
    try:
        call_command("migrate", "users", "20261122_1741_sessions_ended_at", verbosity=0)
        for user_id, email in zip(ids, typed, strict=True):
            User.objects.filter(pk=user_id).update(email=email)
    finally:
        call_command("migrate", verbosity=0)
    assert list(User.objects.order_by("id").values_list("email", flat=True)) == [
        "Ann@xn--exmple-cua.de",
        "bob@xn--strae-oqa.de",
        "eve@xn--exmple-cua.de",
        "Eve@exämple.de",  # another's already: for staff to decide
        "joe@EXAMPLE.com",
    ]


@pytest.mark.usefixtures("database")
def test_models_and_migrations_agree():
    out = io.StringIO()
    call_command("makemigrations", "--check", "--dry-run", stdout=out)
    assert out.getvalue() == "No changes detected\n"
