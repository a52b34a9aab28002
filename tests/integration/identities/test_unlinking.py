"""Unlinking identities, by their owners and by staff, and never the last way in."""

from dataclasses import replace

import pytest

from apps.audit.models import AuditEvent
from apps.authentication.models import Session
from apps.core.database.transaction import transaction
from apps.core.declarations import OwnedPersonalData
from apps.identities.domain.provider import Provider, ProviderKind
from apps.identities.models import Identity
from apps.identities.repositories.identity_repository import IdentityRepository
from apps.identities.schemas.identity import IdentityOut
from tests.support.accounts import Account, colleague, customer, superuser
from tests.support.assertions import assert_error
from tests.support.configured_providers import configured_providers
from tests.support.factories import PASSWORD, make_key
from tests.support.links import kinds_to
from tests.support.orm import make, rows

OWN = "/api/v1/auth/identities"
ACME = Provider("acme", "Acme", ProviderKind.OPENID, "https://acme.example.com", "openid", "id", "secret")


@pytest.fixture(autouse=True)
def _providers(settings):
    with configured_providers(settings, [ACME, replace(ACME, name="other", issuer="https://other.example.com")]):
        yield


async def identity_of(account: Account, provider: str = "acme") -> Identity:
    """Return a new identity of the account."""
    identity: Identity = await make(
        Identity.objects.create,
        user=account.user,
        provider=provider,
        issuer=f"https://{provider}.example.com",
        subject=f"subject of {account.id}",
        email=account.user.email,
    )
    return identity


async def providers_of(account: Account) -> list[str]:
    return [identity.provider for identity in await rows(Identity.objects.filter(user_id=account.id).order_by("id"))]


async def test_owner_unlinks_an_identity(api):
    me = await customer(password=PASSWORD)
    identity = await identity_of(me)
    assert (await api.delete(f"{OWN}/{identity.pk}", headers=me.headers)).status_code == 204
    assert await providers_of(me) == []
    (event,) = await rows(AuditEvent.objects.all())
    assert (event.action, event.actor_id, event.target_id, event.subject_id) == (
        "identity.unlinked", me.id, identity.pk, me.id,
    )  # fmt: skip
    assert event.before == {"provider": "acme", "email": me.user.email}
    assert await kinds_to(me.user.email) == ["security_notice"]


async def test_last_way_in_is_kept(api):
    me = await customer()
    first, second = await identity_of(me), await identity_of(me, "other")
    assert (await api.delete(f"{OWN}/{first.pk}", headers=me.headers)).status_code == 204
    assert_error(await api.delete(f"{OWN}/{second.pk}", headers=me.headers), 409, "LAST_WAY_IN")
    assert await providers_of(me) == ["other"]


@pytest.mark.parametrize("changes", [{"provider": "gone"}, {"issuer": "https://elsewhere.example.com"}])
async def test_unconfigured_provider_is_not_a_way_in(api, changes):
    me = await customer()
    first, second = await identity_of(me), await identity_of(me, "other")
    await make(Identity.objects.filter(pk=second.pk).update, **changes)
    assert_error(await api.delete(f"{OWN}/{first.pk}", headers=me.headers), 409, "LAST_WAY_IN")


async def test_unlinking_needs_recent_authentication(api):
    me = await customer(password=PASSWORD)
    identity = await identity_of(me)
    await make(Session.objects.update, authenticated_at="2020-01-01T00:00:00Z")
    assert_error(await api.delete(f"{OWN}/{identity.pk}", headers=me.headers), 401, "STEP_UP_REQUIRED")
    key = await make(make_key, me.user, scopes=["account:read", "account:write"])
    assert_error(await api.delete(f"{OWN}/{identity.pk}", headers=key.headers), 403, "FORBIDDEN")
    assert await providers_of(me) == ["acme"]


async def test_identity_of_another_account_is_not_unlinked(api):
    me, other = await customer(password=PASSWORD), await customer(password=PASSWORD)
    identity = await identity_of(other)
    assert_error(await api.delete(f"{OWN}/{identity.pk}", headers=me.headers), 404, "NOT_FOUND")
    theirs = f"/api/v1/users/{other.id}/identities"
    assert_error(await api.delete(f"{theirs}/{identity.pk}", headers=me.headers), 403, "FORBIDDEN")
    assert_error(await api.get(theirs, headers=me.headers), 403, "FORBIDDEN")
    assert await providers_of(other) == ["acme"]


async def test_staff_list_and_unlink_identities_of_customers(api):
    staff, customer_ = await colleague(), await customer(password=PASSWORD)
    identity = await identity_of(customer_)
    theirs = f"/api/v1/users/{customer_.id}/identities"
    listed = (await api.get(theirs, headers=staff.headers)).json()
    assert [(item["id"], item["provider"]) for item in listed["items"]] == [(identity.pk, "acme")]
    assert_error(await api.delete(f"{theirs}/{identity.pk + 1}", headers=staff.headers), 404, "NOT_FOUND")
    assert (await api.delete(f"{theirs}/{identity.pk}", headers=staff.headers)).status_code == 204
    (event,) = await rows(AuditEvent.objects.all())
    assert (event.actor_id, event.subject_id) == (staff.id, customer_.id)


async def test_only_superusers_unlink_identities_of_staff(api):
    staff, boss = await colleague(), await superuser(password=PASSWORD)
    identity = await identity_of(boss)
    address = f"/api/v1/users/{boss.id}/identities/{identity.pk}"
    assert_error(await api.delete(address, headers=staff.headers), 403, "FORBIDDEN")
    assert (await api.delete(address, headers=(await superuser()).headers)).status_code == 204


async def test_export_lists_identities_and_erasure_deletes_them(api):
    me = await customer(password=PASSWORD)
    await identity_of(me)
    exported = (await api.get("/api/v1/users/me/export", headers=me.headers)).json()["data"]["identities"]
    assert (exported["total"], exported["items"][0]["subject"]) == (1, f"subject of {me.id}")
    async with transaction():
        await OwnedPersonalData(IdentityRepository(), IdentityOut.of).erase(me.id)
    assert await providers_of(me) == []
