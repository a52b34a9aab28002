"""Staff send a customer the link that verifies the address again."""

import httpx
import pytest
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.mail.models import OutgoingMail
from tests.support.accounts import colleague, customer, superuser
from tests.support.assertions import assert_error
from tests.support.factories import make_user
from tests.support.orm import make, rows

pytestmark = pytest.mark.integration

USERS = "/api/v1/users"


async def test_link_is_sent_again_with_a_reason_in_the_trail(api: httpx.AsyncClient):
    user, staff = await make(make_user), await colleague("security:write")
    path = f"{USERS}/{user.pk}/verification-message"
    assert (await api.post(path, json={"reason": "asked by phone"}, headers=staff.headers)).status_code == 202
    (message,) = await rows(OutgoingMail.objects.all())
    assert (message.kind, message.recipient) == ("verify_email", user.email)
    (event,) = await rows(AuditEvent.objects.filter(action="user.verification_sent"))
    assert (event.actor_id, event.target_id, event.reason) == (staff.id, user.pk, "asked by phone")
    limited = await api.post(path, headers=staff.headers)
    assert_error(limited, 429, "RATE_LIMITED")
    assert limited.headers["retry-after"] == "60"
    assert len(await rows(OutgoingMail.objects.all())) == 1


async def test_verified_address_needs_no_link(api: httpx.AsyncClient):
    user, staff = await make(make_user, email_verified_at=timezone.now()), await superuser()
    answer = await api.post(f"{USERS}/{user.pk}/verification-message", headers=staff.headers)
    assert_error(answer, 409, "EMAIL_ALREADY_VERIFIED")
    assert await rows(OutgoingMail.objects.all()) == []


async def test_sending_takes_the_right(api: httpx.AsyncClient):
    user, me, boss = await make(make_user), await customer(), await superuser()
    reader, writer = await colleague("security:read"), await colleague("security:write")
    for caller, target, code in (
        (me, user.pk, "FORBIDDEN"),
        (reader, user.pk, "INSUFFICIENT_SCOPES"),
        (writer, boss.id, "INSUFFICIENT_SCOPES"),
    ):
        answer = await api.post(f"{USERS}/{target}/verification-message", headers=caller.headers)
        assert_error(answer, 403, code)
    assert_error(await api.post(f"{USERS}/{2**62}/verification-message", headers=boss.headers), 404, "NOT_FOUND")
    assert await rows(OutgoingMail.objects.all()) == []
