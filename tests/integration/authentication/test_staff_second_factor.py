"""`REQUIRE_STAFF_SECOND_FACTOR`: a session of staff without a second factor is no member of staff's."""

import httpx
import jwt
import pytest
from django.test import override_settings

from apps.api_keys.models import ApiKey, ApiKeySecret
from apps.authentication.models import Session
from apps.core.authorization.catalogue import CATALOGUE, STAFF_SCOPES
from tests.support.accounts import Account, customer, superuser
from tests.support.assertions import assert_error
from tests.support.factories import PASSWORD, make_key
from tests.support.orm import make, rows
from tests.support.second_factors import begin_sign_in, enrol_totp

USERS, KEYS = "/api/v1/users", "/api/v1/api-keys"


@pytest.fixture(autouse=True)
def required():
    with override_settings(REQUIRE_STAFF_SECOND_FACTOR=True):
        yield


async def proven_by(account: Account, *methods: str) -> None:
    await make(Session.objects.filter(user_id=account.id).update, methods=list(methods))


async def test_password_alone_gives_no_staff_rights(api: httpx.AsyncClient):
    root, other = await superuser(), await customer()
    await proven_by(root, "pwd")
    for method, path, body in (
        ("GET", f"{USERS}/{other.id}", None),
        ("PATCH", f"{USERS}/{other.id}", {"is_active": False}),
        ("POST", f"{USERS}/{other.id}/credits", {"amount": "5"}),
        ("DELETE", f"{USERS}/{other.id}/second-factors", None),
        ("POST", "/api/v1/plans", {"name": "gold"}),
    ):
        refused = await api.request(method, path, json=body, headers=root.headers)
        assert_error(refused, 403, "SECOND_FACTOR_REQUIRED")
    verify = await api.post("/api/v1/keys/verify", json={"key": "x"}, headers=root.headers)
    assert_error(verify, 403, "SECOND_FACTOR_REQUIRED")
    assert (await api.get(f"{USERS}/{other.id}", headers=other.headers)).json()["is_active"] is True


async def test_lists_show_own_rows_only(api: httpx.AsyncClient):
    root, _ = await superuser(), await customer()
    await proven_by(root, "pwd")
    listed = (await api.get(USERS, headers=root.headers)).json()
    assert [user["id"] for user in listed["items"]] == [root.id]


@pytest.mark.parametrize("methods", [("pwd", "otp"), ("hwk", "user"), ("fed", "swk")])
async def test_second_factor_gives_staff_rights(api: httpx.AsyncClient, methods: tuple[str, ...]):
    root, other = await superuser(), await customer()
    await proven_by(root, *methods)
    assert (await api.get(f"{USERS}/{other.id}", headers=root.headers)).status_code == 200


async def test_customers_need_no_second_factor(api: httpx.AsyncClient):
    me = await customer()
    await proven_by(me, "pwd")
    assert (await api.get(f"{USERS}/me", headers=me.headers)).status_code == 200
    other = await api.get(f"{USERS}/{me.id + 1000}", headers=me.headers)
    assert_error(other, 403, "FORBIDDEN")


async def test_api_key_keeps_staff_rights(api: httpx.AsyncClient):
    root, other = await superuser(), await customer()
    key = await make(make_key, root.user, scopes=sorted(STAFF_SCOPES))
    assert (await api.get(f"{USERS}/{other.id}", headers=key.headers)).status_code == 200


async def test_password_alone_cannot_change_a_key_with_staff_rights(api: httpx.AsyncClient):
    root = await superuser()
    key = await make(make_key, root.user, scopes=sorted(STAFF_SCOPES), ip_allowlist=["203.0.113.9"])
    plain = await make(make_key, root.user)
    await proven_by(root, "pwd")
    rotated = await api.post(f"{KEYS}/{key.id}/rotate", headers=root.headers)
    assert_error(rotated, 403, "SECOND_FACTOR_REQUIRED")
    opened = await api.patch(f"{KEYS}/{key.id}", json={"ip_allowlist": []}, headers=root.headers)
    assert_error(opened, 403, "SECOND_FACTOR_REQUIRED")
    assert len(await rows(ApiKeySecret.objects.filter(api_key_id=key.id))) == 1
    assert [row.ip_allowlist for row in await rows(ApiKey.objects.filter(pk=key.id))] == [["203.0.113.9"]]
    assert (await api.post(f"{KEYS}/{plain.id}/rotate", headers=root.headers)).status_code == 200
    assert (await api.post(f"{KEYS}/{key.id}/revoke", headers=root.headers)).status_code == 200


async def test_staff_enrol_and_reauthenticate_for_staff_rights(api: httpx.AsyncClient):
    root, other = await superuser(password=PASSWORD), await customer()
    program, _ = await enrol_totp(api, root)
    await proven_by(root, "pwd")
    assert_error(await api.get(f"{USERS}/{other.id}", headers=root.headers), 403, "SECOND_FACTOR_REQUIRED")
    stepped = await api.post("/api/v1/auth/step-up", json={"code": program.code()}, headers=root.headers)
    assert stepped.status_code == 200
    assert (await api.get(f"{USERS}/{other.id}", headers=root.headers)).status_code == 200


async def test_scope_of_the_token_depends_on_the_second_factor(api: httpx.AsyncClient):
    root = await superuser(password=PASSWORD)
    alone = await api.post("/api/v1/auth/login", json={"email": root.user.email, "password": PASSWORD})
    program, _ = await enrol_totp(api, root)
    await proven_by(root, "pwd")
    token = (await begin_sign_in(api, root))["second_factor_token"]
    body = {"second_factor_token": token, "code": program.code()}
    both = await api.post("/api/v1/auth/second-factor", json=body)
    scopes = [_claims(answer)["scope"] for answer in (alone, both)]
    assert scopes == ["account:read account:write", " ".join(CATALOGUE)]
    assert _claims(both)["amr"] == ["pwd", "otp"]
    assert [row.methods for row in await rows(Session.objects.order_by("id"))][1:] == [["pwd"], ["pwd", "otp"]]


def _claims(answer: httpx.Response) -> dict[str, object]:
    claims: dict[str, object] = jwt.decode(answer.json()["access_token"], options={"verify_signature": False})
    return claims
