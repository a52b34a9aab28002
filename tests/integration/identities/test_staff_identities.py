"""No provider signs in to an account of staff whose owner has not linked the identity from a session."""

import pytest
from django.db.models.functions import Now

from apps.audit.models import AuditEvent
from apps.authentication.models import Session
from apps.identities.models import Identity
from apps.users.models import User
from tests.support.accounts import customer, superuser
from tests.support.assertions import assert_error
from tests.support.factories import make_user
from tests.support.orm import make, rows
from tests.support.sign_in_flow import Browser


@pytest.mark.parametrize(
    "rights", [{"is_staff": True}, {"is_staff": True, "is_superuser": True}, {"is_superuser": True}]
)
async def test_verified_address_is_not_linked_to_an_account_of_staff(browser: Browser, rights: dict[str, bool]):
    user = await make(make_user, email="alice@example.com", email_verified_at=Now(), **rights)
    assert_error(await browser.sign_in(), 403, "STAFF_IDENTITY_NOT_LINKED")
    assert await rows(Identity.objects.all()) == []
    assert await rows(Session.objects.all()) == []
    (event,) = await rows(AuditEvent.objects.all())
    assert (event.action, event.subject_id, event.outcome) == ("identity.refused", user.pk, "failure")


async def test_staff_sign_in_with_an_identity_that_they_have_linked_themselves(browser: Browser):
    me = await superuser(email="alice@example.com", email_verified_at=Now())
    linked = await browser.link(me.headers)
    assert (linked.status_code, linked.json()["linked_by_owner"]) == (201, True)
    pair = await browser.sign_in()
    assert pair.status_code == 200
    (session,) = await rows(Session.objects.order_by("-id")[:1])
    assert (session.user_id, session.kind, session.methods) == (me.id, "api", ["fed"])


async def test_identity_from_before_an_account_became_staff_has_to_be_linked_by_its_owner(browser: Browser):
    me = await customer(email="alice@example.com")
    assert (await browser.sign_in()).status_code == 200
    (identity,) = await rows(Identity.objects.all())
    assert (identity.user_id, identity.linked_by_owner) == (me.id, False)
    await make(User.objects.update, is_staff=True)
    assert_error(await browser.sign_in(), 403, "STAFF_IDENTITY_NOT_LINKED")
    assert (await browser.link(me.headers)).json()["id"] == identity.pk
    assert (await browser.sign_in()).status_code == 200
    assert len(await rows(AuditEvent.objects.filter(action="identity.linked"))) == 2
