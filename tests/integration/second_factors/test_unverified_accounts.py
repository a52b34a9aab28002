"""An account with an unverified address, which may be another person's."""

import httpx
import pytest

from apps.authentication.models import Session
from apps.second_factors.models import TotpDevice
from apps.users.models import User
from tests.support.accounts import colleague, customer
from tests.support.assertions import assert_error
from tests.support.orm import make, rows

FACTORS = "/api/v1/auth/second-factors"
VERIFIED = "2026-01-01T00:00:00Z"


@pytest.mark.parametrize("path", ["/totp", "/passkeys/options"])
async def test_unverified_customer_gets_no_second_factor(api: httpx.AsyncClient, path: str):
    me = await customer(email_verified_at=None)
    assert_error(await api.post(f"{FACTORS}{path}", headers=me.headers), 403, "EMAIL_NOT_VERIFIED")
    assert await rows(TotpDevice.objects.all()) == []
    await make(User.objects.filter(pk=me.id).update, email_verified_at=VERIFIED)
    assert (await api.post(f"{FACTORS}{path}", headers=me.headers)).is_success


async def test_unverified_staff_may_enrol(api: httpx.AsyncClient):
    staff = await colleague()
    assert (await api.post(f"{FACTORS}/totp", headers=staff.headers)).status_code == 201
    assert len(await rows(Session.objects.filter(user_id=staff.id))) == 1
