"""Accounts whose address another provider has verified."""

import pytest
from django.db import transaction

from apps.audit.models import AuditEvent
from apps.core.errors import Conflict
from apps.credits.models import CreditBalance
from apps.users.dependencies import registration
from apps.users.models import User
from tests.support.factories import make_user

pytestmark = pytest.mark.usefixtures("database")


def register(email: str, full_name: str = "") -> User:
    with transaction.atomic():
        user_id = registration().register_federated(email, full_name)
    return User.objects.select_related("plan").get(pk=user_id)


def test_an_account_with_a_verified_address_and_without_a_password():
    user = register("ann@example.com", "  Ann\r\n\x00 Hand ")
    assert (user.email, user.username, user.full_name, user.plan.name) == ("ann@example.com", "ann", "Ann Hand", "free")
    assert user.email_verified_at is not None
    assert not user.has_usable_password()
    assert CreditBalance.objects.filter(pk=user.pk).exists()
    event = AuditEvent.objects.get()
    assert (event.action, event.actor_id, event.target_id) == ("user.created", user.pk, user.pk)


def test_a_user_name_that_is_taken_gets_an_end_of_its_own():
    make_user(username="ANN")
    first, second = register("ann@example.com"), register("ann@example.org")
    assert first.username != second.username
    assert all(user.username.startswith("ann-") for user in (first, second))


def test_an_address_that_is_taken_makes_no_account_and_leaves_the_transaction_good():
    make_user(email="ann@example.com")
    with transaction.atomic():
        with pytest.raises(Conflict):
            registration().register_federated("ANN@example.com", "")
        assert User.objects.count() == 1
    assert not AuditEvent.objects.exists()
