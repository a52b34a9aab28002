"""Which account a person of a provider signs in to: found, linked, created, or refused."""

import asyncio
from collections.abc import Coroutine
from threading import Event
from typing import Any

import httpx
import pytest
from django.db import connection
from django.db.models.functions import Now

from apps.audit.models import AuditEvent
from apps.authentication.models import Session
from apps.identities.dependencies import account_linking
from apps.identities.domain.provider import Profile
from apps.identities.models import Identity
from apps.users.models import User
from tests.support.accounts import customer, superuser
from tests.support.assertions import assert_error
from tests.support.factories import PASSWORD, make_user
from tests.support.links import kinds_to
from tests.support.mailbox import letters_to
from tests.support.orm import make, rows
from tests.support.second_factors import enrol_totp
from tests.support.sign_in_flow import Browser, person

IDENTITIES = "/api/v1/auth/identities"
BOUND_SECONDS = 30


async def test_verified_address_is_linked_to_its_account(browser: Browser):
    user = await make(make_user, email="Alice@Example.com", email_verified_at=Now())
    assert (await browser.sign_in()).status_code == 200
    (identity,) = await rows(Identity.objects.all())
    assert identity.user_id == user.pk
    linked = (await rows(AuditEvent.objects.filter(action="identity.linked")))[0]
    assert (linked.actor_id, linked.subject_id, linked.target_id) == (user.pk, user.pk, identity.pk)
    assert linked.after == {"provider": "acme", "email": "alice@example.com"}
    (message,) = await make(letters_to, user.email)
    assert message.subject == "Sign-in with another provider was linked to your account."
    assert (await browser.sign_in()).status_code == 200
    assert len(await make(letters_to, user.email)) == 1


async def test_account_with_an_unverified_address_is_not_linked(browser: Browser):
    """Otherwise a person who created the account beforehand would share it with the owner of the address."""
    user = await make(make_user, email="alice@example.com")
    assert_error(await browser.sign_in(), 403, "ACCOUNT_EMAIL_UNVERIFIED")
    assert await rows(Identity.objects.all()) == []
    assert await rows(Session.objects.all()) == []
    (event,) = await rows(AuditEvent.objects.all())
    assert (event.action, event.subject_id, event.outcome) == ("identity.refused", user.pk, "failure")


@pytest.mark.parametrize("claims", [{"email_verified": False}, {"email_verified": "false"}, {"email_verified": None}])
@pytest.mark.parametrize("has_account", [True, False])
async def test_address_that_the_provider_has_not_verified_is_refused(browser: Browser, claims, has_account):
    if has_account:
        await make(make_user, email="alice@example.com", email_verified_at=Now())
    browser.account = person(**claims)
    assert_error(await browser.sign_in(), 403, "PROVIDER_EMAIL_UNVERIFIED")
    assert await rows(Identity.objects.all()) == []
    assert len(await rows(User.objects.all())) == has_account


async def test_profile_without_an_address_is_refused(browser: Browser):
    browser.account = {"sub": "alice"}
    assert_error(await browser.sign_in(), 403, "PROVIDER_EMAIL_UNVERIFIED")
    assert await rows(User.objects.all()) == []


async def test_sign_in_to_a_suspended_account_is_refused_and_recorded(browser: Browser):
    await browser.sign_in()
    await make(Session.objects.all().delete)
    await make(User.objects.update, is_active=False)
    assert_error(await browser.sign_in(), 401, "NOT_AUTHENTICATED")
    assert await rows(Session.objects.all()) == []
    (user,) = await rows(User.objects.all())
    await assert_refusal_recorded(user)


async def test_suspended_account_is_not_linked(browser: Browser):
    user = await make(make_user, email="alice@example.com", email_verified_at=Now(), is_active=False)
    assert_error(await browser.sign_in(), 401, "NOT_AUTHENTICATED")
    assert await rows(Identity.objects.all()) == []
    await assert_refusal_recorded(user)


async def assert_refusal_recorded(user: User) -> None:
    event = (await rows(AuditEvent.objects.order_by("-id")))[0]
    assert (event.action, event.outcome, event.subject_id) == ("identity.refused", "failure", user.pk)
    assert event.after == {"provider": "acme", "code": "NOT_AUTHENTICATED"}


async def delete_all_accounts() -> None:
    await make(User.objects.update, deleted_at=Now(), is_active=False)


async def test_deleted_accounts_owner_signs_in_to_a_new_account(browser: Browser):
    await browser.sign_in()
    await delete_all_accounts()
    assert (await browser.sign_in()).status_code == 200
    old, new = await rows(User.objects.order_by("id"))
    (identity,) = await rows(Identity.objects.all())
    assert (old.deleted_at is None, new.deleted_at, new.email) == (False, None, "alice@example.com")
    assert identity.user_id == new.pk
    (left,) = await rows(AuditEvent.objects.filter(action="identity.left"))
    assert (left.subject_id, left.before) == (old.pk, {"provider": "acme", "email": "alice@example.com"})
    assert (await browser.sign_in()).status_code == 200
    assert len(await rows(User.objects.all())) == 2


async def test_deleted_accounts_owner_links_the_identity_to_another_account(browser: Browser):
    await browser.sign_in()
    await delete_all_accounts()
    me = await customer(email="other@example.com", email_verified_at=Now())
    assert (await browser.link(me.headers)).status_code == 201
    (identity,) = await rows(Identity.objects.all())
    assert identity.user_id == me.id


async def test_concurrent_returns_to_a_deleted_account_create_one_account(browser: Browser):
    await browser.sign_in()
    await delete_all_accounts()
    codes = [(await browser.land())["code"] for _ in range(6)]
    answers = await asyncio.gather(*(browser.redeem(code) for code in codes))
    assert [answer.status_code for answer in answers] == [200] * 6
    assert len(await rows(User.objects.filter(deleted_at=None))) == len(await rows(Identity.objects.all())) == 1


@pytest.mark.parametrize("came_back", [True, False])
async def test_restored_account_keeps_its_identity_unless_it_was_linked_elsewhere(browser: Browser, came_back: bool):
    await browser.sign_in()
    (old,) = await rows(User.objects.all())
    owner_id = old.pk
    await delete_all_accounts()
    if came_back:
        me = await customer(email="other@example.com", email_verified_at=Now())
        await browser.link(me.headers)
        owner_id = me.id
    staff = await superuser(email="staff@example.com")
    restored = await browser.keyhouse.post(f"/api/v1/users/{old.pk}/restore", headers=staff.headers)
    assert restored.status_code == 200, restored.text
    assert [identity.user_id for identity in await rows(Identity.objects.all())] == [owner_id]
    assert (await browser.sign_in()).status_code == 200
    (session,) = await rows(Session.objects.order_by("-id")[:1])
    assert session.user_id == owner_id


def restore_slowly(user_id: int, is_restored: Event, may_commit: Event) -> None:
    User.objects.filter(pk=user_id).update(deleted_at=None, is_active=True)
    is_restored.set()
    assert may_commit.wait(BOUND_SECONDS)


def is_lock_awaited() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        return bool(cursor.fetchone()[0])


async def while_restored(user_id: int, request: Coroutine[Any, Any, httpx.Response]) -> httpx.Response:
    """Return the response to a request that arrives before the account's restoration is committed."""
    is_restored, may_commit = Event(), Event()
    restoring = asyncio.create_task(make(restore_slowly, user_id, is_restored, may_commit))
    assert await asyncio.to_thread(is_restored.wait, BOUND_SECONDS)
    answering = asyncio.create_task(request)
    while not (answering.done() or await make(is_lock_awaited)):
        pass
    may_commit.set()
    await restoring
    return await answering


async def test_account_that_is_being_restored_keeps_its_identity(browser: Browser):
    await browser.sign_in()
    (old,) = await rows(User.objects.all())
    await delete_all_accounts()
    me = await customer(email="other@example.com", email_verified_at=Now())
    assert_error(await while_restored(old.pk, browser.link(me.headers)), 409, "IDENTITY_TAKEN")
    (identity,) = await rows(Identity.objects.all())
    assert identity.user_id == old.pk
    assert await rows(AuditEvent.objects.filter(action="identity.left")) == []


async def test_sign_in_during_a_restoration_leads_to_the_restored_account(browser: Browser):
    await browser.sign_in()
    (old,) = await rows(User.objects.all())
    await delete_all_accounts()
    assert (await while_restored(old.pk, browser.sign_in())).status_code == 200
    (session,) = await rows(Session.objects.order_by("-id")[:1])
    (identity,) = await rows(Identity.objects.all())
    assert session.user_id == identity.user_id == old.pk
    assert len(await rows(User.objects.all())) == 1


async def test_concurrent_first_sign_ins_create_one_account(browser: Browser):
    codes = [(await browser.land())["code"] for _ in range(6)]
    answers = await asyncio.gather(*(browser.redeem(code) for code in codes))
    assert [answer.status_code for answer in answers] == [200] * 6
    assert len(await rows(User.objects.all())) == len(await rows(Identity.objects.all())) == 1


async def test_concurrent_sign_ins_of_two_providers_create_one_account(browser: Browser):
    profiles = [
        Profile(name, f"https://{name}.example.com", "alice", "alice@example.com", is_verified=True, full_name="")
        for name in ("acme", "mallory")
    ]
    ids = await asyncio.gather(*(account_linking().account_of(profile) for profile in profiles * 3))
    assert len(set(ids)) == len(await rows(User.objects.all())) == 1
    assert len(await rows(Identity.objects.all())) == 2


async def test_signed_in_owner_links_more_identities(browser: Browser):
    me = await customer(email="other@example.com", email_verified_at=Now())
    linked = await browser.link(me.headers)
    assert linked.status_code == 201, linked.text
    assert {name: linked.json()[name] for name in ("provider", "subject", "email", "last_used_at")} == {
        "provider": "acme", "subject": "alice", "email": "alice@example.com", "last_used_at": None,
    }  # fmt: skip
    assert (await browser.link(me.headers, "mallory")).status_code == 201
    listed = (await browser.keyhouse.get(IDENTITIES, headers=me.headers)).json()
    assert [item["provider"] for item in listed["items"]] == ["acme", "mallory"]
    assert await kinds_to("other@example.com") == ["security_notice"] * 2
    await browser.sign_in()
    assert len(await rows(User.objects.all())) == 1


async def test_linking_the_same_identity_again_changes_nothing(browser: Browser):
    me = await customer(email_verified_at=Now())
    first, second = await browser.link(me.headers), await browser.link(me.headers)
    assert (second.status_code, second.json()["id"]) == (201, first.json()["id"])
    assert len(await rows(AuditEvent.objects.filter(action="identity.linked"))) == 1


async def test_identity_of_another_account_is_not_linked(browser: Browser):
    await browser.sign_in()
    me = await customer(email_verified_at=Now())
    assert_error(await browser.link(me.headers), 409, "IDENTITY_TAKEN")
    assert me.id not in [identity.user_id for identity in await rows(Identity.objects.all())]


async def test_linking_needs_recent_authentication_and_spends_no_code_without(browser: Browser):
    me = await customer(email_verified_at=Now())
    await make(Session.objects.update, authenticated_at="2020-01-01T00:00:00Z")
    body = {"code": (await browser.land())["code"], "code_verifier": browser.verifier}
    assert_error(await browser.keyhouse.post(IDENTITIES, json=body, headers=me.headers), 401, "STEP_UP_REQUIRED")
    await make(Session.objects.update, authenticated_at=Now())
    assert (await browser.keyhouse.post(IDENTITIES, json=body, headers=me.headers)).status_code == 201


async def test_linking_needs_a_session(browser: Browser):
    assert_error(await browser.link({}), 401, "NOT_AUTHENTICATED")
    assert await rows(Identity.objects.all()) == []


async def test_nothing_is_linked_to_an_unverified_account(browser: Browser):
    """Otherwise a person who created it with another's address could sign in after its owner resets the password."""
    me = await customer(email="victim@example.com", email_verified_at=None)
    assert_error(await browser.link(me.headers), 403, "EMAIL_NOT_VERIFIED")
    assert await rows(Identity.objects.all()) == []
    assert await rows(AuditEvent.objects.filter(action="identity.linked")) == []


async def test_unverified_account_is_refused_where_verification_is_required(browser: Browser, settings):
    me = await customer(email_verified_at=Now())
    assert (await browser.link(me.headers)).status_code == 201
    settings.REQUIRE_VERIFIED_EMAIL = True
    assert (await browser.sign_in()).status_code == 200
    await make(User.objects.update, email_verified_at=None)
    assert_error(await browser.sign_in(), 403, "EMAIL_NOT_VERIFIED")


async def test_second_factor_is_required_whatever_the_provider_has_required(browser: Browser):
    me = await customer(email="alice@example.com", email_verified_at=Now(), password=PASSWORD)
    authenticator, _ = await enrol_totp(browser.keyhouse, me)
    await make(Session.objects.all().delete)
    needed = await browser.sign_in()
    assert needed.status_code == 202, needed.text
    assert await rows(Session.objects.all()) == []
    entry = {"second_factor_token": needed.json()["second_factor_token"], "code": authenticator.code()}
    assert (await browser.keyhouse.post("/api/v1/auth/second-factor", json=entry)).status_code == 200
    (session,) = await rows(Session.objects.all())
    assert (session.user_id, sorted(session.methods)) == (me.id, ["fed", "otp"])


async def test_session_without_the_second_factor_links_nothing(browser: Browser):
    me = await customer(password=PASSWORD, email_verified_at=Now())
    await enrol_totp(browser.keyhouse, me)
    await make(Session.objects.update, methods=["pwd"])
    assert_error(await browser.link(me.headers), 401, "STEP_UP_REQUIRED")
    assert await rows(Identity.objects.all()) == []
