"""`/api/v1/invitations`, and accepting invitations."""

import asyncio
from datetime import timedelta

import httpx
import pytest
from django.db.models.functions import Now

from apps.audit.models import AuditEvent
from apps.core.database.transaction import transaction
from apps.users.dependencies import federated_registration
from apps.users.models import Invitation, Role, RoleScope, User
from apps.users.services.registration_mode import InvitationRequired
from tests.support.accounts import Account, audited, colleague, customer
from tests.support.assertions import assert_error
from tests.support.factories import PASSWORD, make_role, make_user
from tests.support.links import kinds_to, query_of, tokens_to
from tests.support.mailbox import letters_to
from tests.support.orm import make, rows, run_in_transaction
from tests.support.second_factors import let_proofs_grow_old

INVITATIONS, USERS = "/api/v1/invitations", "/api/v1/users"
ANN = "ann@example.com"
NEW = {"email": ANN, "username": "ann", "password": PASSWORD}


@pytest.fixture(autouse=True)
def _by_invitation(settings):
    settings.REGISTRATION = "invite"


async def invite(api: httpx.AsyncClient, staff: Account, **fields: str) -> httpx.Response:
    return await api.post(INVITATIONS, json={"email": ANN, **fields}, headers=staff.headers)


async def invitation_to(email: str = ANN) -> str:
    """Return the token of the last invitation."""
    return query_of((await make(letters_to, email))[-1].context["link"])["invitation"]


async def sign_up(api: httpx.AsyncClient, token: str, **fields: str) -> httpx.Response:
    return await api.post(USERS, json={**NEW, "invitation": token, **fields})


async def test_invited_person_signs_up_with_a_verified_address_on_the_plan(api: httpx.AsyncClient):
    staff = await colleague()
    response = await invite(api, staff, plan="pro")
    invited = response.json()
    assert (response.status_code, invited["email"], invited["plan"], invited["invited_by"]) == (
        201, ANN, "pro", staff.id,
    )  # fmt: skip
    assert (invited["accepted_at"], invited["revoked_at"], invited["user_id"]) == (None, None, None)
    created = await sign_up(api, await invitation_to(), email="ANN@example.com")
    assert (created.status_code, created.json()["plan"]) == (201, "pro")
    assert created.json()["email_verified_at"] is not None
    user_id = created.json()["id"]
    assert await audited() == [
        ("invitation.sent", invited["id"], staff.id),
        ("user.created", user_id, user_id),
        ("invitation.accepted", invited["id"], user_id),
    ]
    (row,) = await rows(Invitation.objects.all())
    assert (row.user_id, row.accepted_at is not None) == (user_id, True)


async def test_sign_up_without_an_invitation_is_refused(api: httpx.AsyncClient):
    assert_error(await api.post(USERS, json=NEW), 403, "INVITATION_REQUIRED")
    assert_error(await sign_up(api, "x"), 400, "INVALID_TOKEN")
    assert await rows(User.objects.all()) == []


async def test_invitation_is_valid_once_and_for_its_address(api: httpx.AsyncClient):
    await invite(api, await colleague())
    token = await invitation_to()
    assert_error(await sign_up(api, token, email="other@example.com"), 400, "INVALID_TOKEN")
    names = [f"ann{number}" for number in range(4)]
    answers = await asyncio.gather(*(sign_up(api, token, username=name) for name in names))
    assert sorted(answer.status_code for answer in answers) == [201, 400, 400, 400]
    assert len(await rows(User.objects.filter(email=ANN))) == 1


@pytest.mark.parametrize("fields", [{"password": "password"}, {"username": "taken"}])
async def test_rejected_sign_up_leaves_the_invitation_valid(api: httpx.AsyncClient, fields: dict[str, str]):
    await make(make_user, username="taken")
    await invite(api, await colleague())
    token = await invitation_to()
    assert (await sign_up(api, token, **fields)).status_code in {409, 422}
    assert (await sign_up(api, token)).status_code == 201


async def test_revoked_invitation_is_invalid(api: httpx.AsyncClient):
    staff = await colleague()
    invited = (await invite(api, staff)).json()
    token = await invitation_to()
    path = f"{INVITATIONS}/{invited['id']}"
    assert (await api.delete(path, headers=staff.headers)).status_code == 204
    assert_error(await sign_up(api, token), 400, "INVALID_TOKEN")
    assert_error(await api.delete(path, headers=staff.headers), 404, "NOT_FOUND")
    assert_error(await api.post(f"{path}/resend", headers=staff.headers), 404, "NOT_FOUND")
    assert [action for action, _, _ in await audited()] == ["invitation.sent", "invitation.revoked"]


async def test_invitation_is_resent_for_another_week(api: httpx.AsyncClient):
    staff = await colleague()
    invited = (await invite(api, staff)).json()
    await run_in_transaction(Invitation.objects.update, expires_at=Now() - timedelta(days=1))
    again = await api.post(f"{INVITATIONS}/{invited['id']}/resend", headers=staff.headers)
    assert (again.status_code, again.json()["id"]) == (200, invited["id"])
    (row,) = await rows(Invitation.objects.all())
    assert round((row.expires_at - row.updated_at) / timedelta(days=1)) == 7
    assert await kinds_to(ANN) == ["invitation", "invitation"]
    assert (await sign_up(api, await invitation_to())).status_code == 201


async def test_lists_invitations_newest_first(api: httpx.AsyncClient):
    staff = await colleague()
    for email in (ANN, "bob@example.com"):
        await invite(api, staff, email=email)
    page = (await api.get(INVITATIONS, headers=staff.headers)).json()
    assert ([item["email"] for item in page["items"]], page["total"]) == (["bob@example.com", ANN], 2)
    assert "token" not in repr(page)


async def test_only_staff_invite(api: httpx.AsyncClient):
    me = await customer()
    for call in (
        api.post(INVITATIONS, json={"email": ANN}, headers=me.headers),
        api.get(INVITATIONS, headers=me.headers),
        api.post(f"{INVITATIONS}/1/resend", headers=me.headers),
        api.delete(f"{INVITATIONS}/1", headers=me.headers),
    ):
        assert_error(await call, 403, "FORBIDDEN")
    assert await kinds_to(ANN) == []


async def test_address_with_an_account_is_not_invited(api: httpx.AsyncClient):
    await make(make_user, email=ANN)
    assert_error(await invite(api, await colleague(), email="ANN@example.com"), 409, "CONFLICT", field="email")
    assert await rows(Invitation.objects.all()) == []


async def test_no_invitation_is_sent_where_registration_is_off(api: httpx.AsyncClient, settings):
    staff = await colleague()
    invited = (await invite(api, staff)).json()
    settings.REGISTRATION = "off"
    for refused in (
        await invite(api, staff, email="bob@example.com"),
        await api.post(f"{INVITATIONS}/{invited['id']}/resend", headers=staff.headers),
    ):
        assert_error(refused, 403, "REGISTRATION_CLOSED")
    assert (await kinds_to(ANN), await kinds_to("bob@example.com")) == (["invitation"], [])
    assert [row.email for row in await rows(Invitation.objects.all())] == [ANN]
    assert (await api.delete(f"{INVITATIONS}/{invited['id']}", headers=staff.headers)).status_code == 204


async def test_invitation_is_refused_where_registration_is_off(api: httpx.AsyncClient, settings):
    await invite(api, await colleague())
    settings.REGISTRATION = "off"
    assert_error(await sign_up(api, await invitation_to()), 403, "REGISTRATION_CLOSED")


async def test_address_that_a_provider_has_verified_accepts_its_invitation(api: httpx.AsyncClient):
    async def register(email: str) -> int:
        async with transaction():
            return await federated_registration().register(email, "Ann")

    await invite(api, await colleague(), plan="pro")
    with pytest.raises(InvitationRequired):
        await register("other@example.com")
    user_id = await register("Ann@example.com")
    (user,) = await rows(User.objects.select_related("plan").filter(pk=user_id))
    (row,) = await rows(Invitation.objects.all())
    assert (user.plan.name, row.user_id) == ("pro", user_id)
    with pytest.raises(InvitationRequired):
        await register("ann@example.com")
    assert await tokens_to("other@example.com", "invitation", "link") == []


INVITER = ("customers:write", "staff:manage", "customers:read", "audit:read", "keys:read", "security:read")
HELPERS = {"is_staff": True, "roles": ["helpers"]}


async def inviter() -> Account:
    """Return a member of staff who may invite others with the role `helpers`."""
    await make(make_role, "customers:read", name="helpers")
    return await colleague(*INVITER)


async def invite_colleague(api: httpx.AsyncClient, staff: Account, **fields: object) -> httpx.Response:
    return await api.post(INVITATIONS, json={"email": ANN, **HELPERS, **fields}, headers=staff.headers)


async def test_invited_member_of_staff_chooses_a_password_and_has_the_roles(api: httpx.AsyncClient, settings):
    settings.REGISTRATION = "off"  # for customers
    staff = await inviter()
    invited = await invite_colleague(api, staff)
    assert (invited.status_code, invited.json()["is_staff"], invited.json()["roles"]) == (201, True, ["helpers"])
    assert await kinds_to(ANN) == ["staff_invitation"]
    (message,) = await make(letters_to, ANN)
    assert message.context["link"].startswith(f"{settings.PUBLIC_URL}/account/sign-up#")
    created = await sign_up(api, await invitation_to())
    assert (created.status_code, created.json()["is_staff"], created.json()["roles"]) == (201, True, ["helpers"])
    (event,) = await rows(AuditEvent.objects.filter(action="invitation.accepted"))
    assert event.after == {"is_staff": True, "roles": ["helpers"]}
    (event,) = await rows(AuditEvent.objects.filter(action="invitation.sent"))
    assert (event.actor_id, event.after) == (staff.id, {"plan_id": None, "is_staff": True, "roles": ["helpers"]})


@pytest.mark.parametrize("rights", [{"is_staff": True, "roles": []}, {"is_staff": False}])
async def test_rights_are_given_by_those_who_manage_staff(api: httpx.AsyncClient, rights: dict[str, object]):
    await make(make_role, "customers:read", name="helpers")
    support = await colleague("customers:write", "customers:read")
    assert_error(await invite_colleague(api, support, **rights), 403, "INSUFFICIENT_SCOPES")
    assert await rows(Invitation.objects.all()) == []


async def test_rights_are_given_after_a_recent_authentication(api: httpx.AsyncClient):
    staff = await inviter()
    await let_proofs_grow_old()
    assert_error(await invite_colleague(api, staff), 401, "STEP_UP_REQUIRED")
    assert (await invite_colleague(api, staff, is_staff=False, roles=[])).status_code == 201


async def test_roles_with_scopes_that_the_inviter_lacks_are_refused(api: httpx.AsyncClient):
    refused = await invite_colleague(api, await inviter(), roles=["finance"])
    assert_error(refused, 403, "FORBIDDEN")
    assert "credits:grant" in refused.json()["error"]["message"]
    unknown = await invite_colleague(api, await colleague(*INVITER), roles=["nobody"])
    assert_error(unknown, 422, "VALIDATION_FAILED", field="roles")
    assert await rows(Invitation.objects.all()) == []


@pytest.mark.parametrize("loss", ["role", "suspension", "more scopes"])
async def test_invitation_of_staff_ends_with_the_rights_of_the_inviter(api: httpx.AsyncClient, loss: str):
    staff = await inviter()
    await invite_colleague(api, staff)
    token = await invitation_to()
    if loss == "role":
        await make(staff.user.groups.clear)
    elif loss == "suspension":
        await make(User.objects.filter(pk=staff.id).update, is_active=False)
    else:
        role = (await rows(Role.objects.filter(name="helpers")))[0]
        await make(RoleScope.objects.create, role=role, scope="credits:grant")
    assert_error(await sign_up(api, token), 400, "INVALID_TOKEN")
    assert await rows(User.objects.filter(email=ANN)) == []


async def test_deleted_role_is_not_given(api: httpx.AsyncClient):
    staff = await inviter()
    await invite_colleague(api, staff)
    (role,) = await rows(Role.objects.filter(name="helpers"))
    assert (await api.delete(f"/api/v1/roles/{role.pk}", headers=staff.headers)).status_code == 204
    created = (await sign_up(api, await invitation_to())).json()
    assert (created["is_staff"], created["roles"]) == (True, [])


async def test_invitation_of_staff_is_resent_and_revoked_by_those_who_manage_staff(api: httpx.AsyncClient):
    staff, support = await inviter(), await colleague("customers:write", "customers:read")
    path = f"{INVITATIONS}/{(await invite_colleague(api, staff)).json()['id']}"
    assert_error(await api.post(f"{path}/resend", headers=support.headers), 403, "INSUFFICIENT_SCOPES")
    assert_error(await api.delete(path, headers=support.headers), 403, "INSUFFICIENT_SCOPES")
    assert (await api.post(f"{path}/resend", headers=staff.headers)).json()["roles"] == ["helpers"]
    assert (await api.delete(path, headers=staff.headers)).status_code == 204


async def test_invitation_of_a_colleague_who_has_left_is_valid_once_another_sends_it_again(api: httpx.AsyncClient):
    left, staff = await inviter(), await colleague(*INVITER)
    path = f"{INVITATIONS}/{(await invite_colleague(api, left)).json()['id']}"
    await make(User.objects.filter(pk=left.id).update, is_active=False)
    assert_error(await sign_up(api, await invitation_to()), 400, "INVALID_TOKEN")
    assert (await api.post(f"{path}/resend", headers=staff.headers)).json()["invited_by"] == staff.id
    assert (await sign_up(api, await invitation_to())).json()["roles"] == ["helpers"]


async def test_sending_an_invitation_of_staff_again_takes_what_giving_its_rights_takes(api: httpx.AsyncClient):
    staff, other = await inviter(), await colleague("customers:write", "staff:manage")
    path = f"{INVITATIONS}/{(await invite_colleague(api, staff)).json()['id']}"
    assert_error(await api.post(f"{path}/resend", headers=other.headers), 403, "FORBIDDEN")
    await let_proofs_grow_old()
    assert_error(await api.post(f"{path}/resend", headers=staff.headers), 401, "STEP_UP_REQUIRED")
    assert await kinds_to(ANN) == ["staff_invitation"]


async def test_other_providers_make_no_member_of_staff(api: httpx.AsyncClient):
    await invite_colleague(api, await inviter())
    with pytest.raises(InvitationRequired):
        async with transaction():
            await federated_registration().register(ANN, "Ann")
    assert (await sign_up(api, await invitation_to())).json()["is_staff"] is True
