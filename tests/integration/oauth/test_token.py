"""`POST /api/v1/oauth/token`."""

from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest
from django.conf import settings
from django.utils import timezone

from apps.api_keys.models import ApiKey, ApiKeyCounter, ApiKeySecret
from apps.audit.models import AuditEvent
from apps.users.models import User
from tests.support.accounts import audited
from tests.support.factories import IssuedKey, add_secret, make_key, make_plan, make_staff, make_user
from tests.support.oauth import GRANT, OAUTH, assert_oauth_error, client_of, exchange
from tests.support.orm import make, rows

TOKEN = f"{OAUTH}/token"


async def request_token(api: httpx.AsyncClient, key: IssuedKey, **form: str) -> httpx.Response:
    return await api.post(TOKEN, data={**GRANT, **form}, auth=client_of(key))


async def assert_unused(key: IssuedKey, *recorded: str) -> None:
    """Check that no exchange of the key was counted, and that only these actions were recorded."""
    (counter,) = await rows(ApiKeyCounter.objects.filter(pk=key.id))
    assert (bytes(counter.entries), counter.last_used_at) == (b"", None)
    assert [action for action, *_ in await audited()] == list(recorded)


async def test_key_is_exchanged_for_a_token_that_verifies_offline(api: httpx.AsyncClient):
    key = await make(make_key, scopes=["reports:read", "reports:write"])
    response = await request_token(api, key)
    assert response.status_code == 200
    assert (response.headers["cache-control"], response.headers["pragma"]) == ("no-store", "no-cache")
    body = response.json()
    assert set(body) == {"access_token", "token_type", "expires_in", "scope"}
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", 900, "reports:read reports:write")
    published = {one["kid"]: one for one in (await api.get("/.well-known/jwks.json")).json()["keys"]}
    header = jwt.get_unverified_header(body["access_token"])
    assert header == {"typ": "at+jwt", "alg": "EdDSA", "kid": header["kid"]}
    claims = jwt.decode(
        body["access_token"],
        jwt.PyJWK(published[header["kid"]]),
        algorithms=["EdDSA"],
        audience="keyhouse",
        issuer=settings.TOKEN_ISSUER,
    )
    assert set(claims) == {"iss", "aud", "sub", "client_id", "secret_id", "scope", "jti", "iat", "exp"}
    assert (claims["sub"], claims["client_id"], claims["scope"]) == (str(key.row.user_id), str(key.id), body["scope"])
    assert claims["exp"] - claims["iat"] == 900


async def test_exchange_counts_as_use_and_is_audited(api: httpx.AsyncClient):
    key = await make(make_key, scopes=["a:b"])
    token = await exchange(api, key)
    (event,) = await rows(AuditEvent.objects.all())
    assert (event.action, event.target_kind, event.target_id) == ("token.issued", "api_key", key.id)
    assert (event.actor_id, event.actor_kind, event.subject_id) == (key.row.user_id, "api_key", key.row.user_id)
    claims = jwt.decode(token, options={"verify_signature": False})
    assert event.after == {"token_id": claims["jti"], "scopes": ["a:b"], "audience": "keyhouse"}
    (counter,) = await rows(ApiKeyCounter.objects.filter(pk=key.id))
    assert counter.last_used_at is not None


async def test_client_id_is_key_id_or_prefix_in_header_or_form(api: httpx.AsyncClient):
    key = await make(make_key)
    prefix = key.secret[:12]
    for client_id in (str(key.id), prefix):
        in_header = await api.post(TOKEN, data=GRANT, auth=(client_id, key.secret))
        in_form = await api.post(TOKEN, data={**GRANT, "client_id": client_id, "client_secret": key.secret})
        in_both = await api.post(TOKEN, data={**GRANT, "client_id": client_id}, auth=(client_id, key.secret))
        assert [response.status_code for response in (in_header, in_form, in_both)] == [200, 200, 200]


async def test_key_without_scopes_gets_token_without_scopes(api: httpx.AsyncClient):
    response = await request_token(api, await make(make_key))
    assert (response.status_code, response.json()["scope"]) == (200, "")


@pytest.mark.parametrize(
    ("held", "requested", "granted"),
    [
        (["a:b", "c"], "c", "c"),
        (["a:b", "c"], "c a:b c", "c a:b"),
        (["a:*"], "a:b a:c:d", "a:b a:c:d"),
        (["a:*"], "a:*", "a:*"),
        (["a:b", "account:read"], "account:read", "account:read"),
        (["a:b", "account:read", "customers:read"], "", "a:b"),
        (["a:*", "keys:*", "keys:verify"], "", "a:*"),
    ],
)
async def test_token_has_requested_scopes_or_the_default_ones(
    api: httpx.AsyncClient, held: list[str], requested: str, granted: str
):
    key = await make(make_key, await make(make_staff), scopes=held)
    response = await request_token(api, key, scope=requested)
    assert (response.status_code, response.json()["scope"]) == (200, granted)


@pytest.mark.parametrize(
    "requested", ["x", "a:b x", "a:*", "a", "account:read", "a:b  c", " a:b", "a:b ", "a:b\tc", 'a"b', "é", "a:b,c"]
)
async def test_malformed_or_excessive_scopes_are_rejected(api: httpx.AsyncClient, requested: str):
    key = await make(make_key, scopes=["a:b", "c"])
    assert_oauth_error(await request_token(api, key, scope=requested), 400, "invalid_scope")
    await assert_unused(key)


@pytest.mark.parametrize(
    "changes",
    [
        {"revoked_at": timezone.now()},
        {"is_active": False},
        {"expires_at": timezone.now() - timedelta(seconds=1)},
        {"deleted_at": timezone.now()},
        {"ip_allowlist": ["192.0.2.0/24"]},
    ],
    ids=lambda fields: next(iter(fields)),
)
async def test_unusable_key_is_refused(api: httpx.AsyncClient, changes: dict[str, Any]):
    key = await make(make_key)
    await make(ApiKey.objects.filter(pk=key.id).update, **changes)
    response = await request_token(api, key)
    assert_oauth_error(response, 401, "invalid_client")
    assert response.headers["www-authenticate"].startswith('Basic realm="keyhouse"')
    await assert_unused(key, *recorded_refusal(changes))


@pytest.mark.parametrize("changes", [{"is_active": False}, {"deleted_at": timezone.now()}], ids=["inactive", "deleted"])
async def test_key_of_inactive_owner_is_refused(api: httpx.AsyncClient, changes: dict[str, Any]):
    key = await make(make_key)
    await make(User.objects.filter(pk=key.row.user_id).update, **changes)
    assert_oauth_error(await request_token(api, key), 401, "invalid_client")
    await assert_unused(key, "client.refused")


def recorded_refusal(changes: dict[str, Any]) -> list[str]:
    """Return the recorded actions; a deleted key has no owner to tell."""
    return [] if "deleted_at" in changes else ["client.refused"]


async def test_refused_valid_secret_is_audited_for_its_owner(api: httpx.AsyncClient):
    key = await make(make_key)
    await make(ApiKey.objects.filter(pk=key.id).update, is_active=False)
    assert_oauth_error(await request_token(api, key), 401, "invalid_client")
    wrong = key.secret[:-1] + ("a" if key.secret[-1] != "a" else "b")
    assert_oauth_error(await api.post(TOKEN, data=GRANT, auth=(str(key.id), wrong)), 401, "invalid_client")
    (event,) = await rows(AuditEvent.objects.all())
    assert (event.action, event.outcome, event.target_id) == ("client.refused", "failure", key.id)
    assert (event.subject_id, event.actor_id, event.actor_kind) == (key.row.user_id, None, "api_key")
    assert event.after == {"prefix": key.secret[:12]}


@pytest.mark.parametrize("operation", ["token", "introspect", "revoke"])
async def test_audited_refusals_are_limited_per_address(
    api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, operation: str
):
    monkeypatch.setattr(settings, "PUBLIC_RATE_LIMIT", "3/h")
    key = await make(make_key)
    await make(ApiKey.objects.filter(pk=key.id).update, is_active=False)
    form = {**GRANT, "token": "x"}
    responses = [await api.post(f"{OAUTH}/{operation}", data=form, auth=client_of(key)) for _ in range(20)]
    assert [response.status_code for response in responses] == [401] * 3 + [429] * 17
    await assert_unused(key, *["client.refused"] * 3)


async def test_secret_after_its_grace_period_is_refused(api: httpx.AsyncClient):
    key = await make(make_key)
    newer = await make(add_secret, key.row)
    await make(ApiKeySecret.objects.exclude(prefix=newer[:12]).update, expires_at=timezone.now())
    assert_oauth_error(await request_token(api, key), 401, "invalid_client")
    assert (await request_token(api, IssuedKey(key.row, newer))).status_code == 200


async def test_invalid_client_credentials_are_refused(api: httpx.AsyncClient):
    key, other = await make(make_key), await make(make_key)
    basic = {"auth": (str(other.id), key.secret)}
    requests: list[dict[str, Any]] = [
        {},
        basic,
        {"auth": ("", key.secret)},
        {"auth": (f"0{key.id}", key.secret)},
        {"auth": (str(key.id), "")},
        {"auth": (str(key.id), key.secret[:-1])},
        {"auth": (str(key.id), "nonsense")},
        {"headers": {"Authorization": f"Bearer {key.secret}"}},
        {"headers": {"Authorization": "Basic !"}},
        {"headers": {"Authorization": "Basic"}},
        {"headers": {"Authorization": "Basic \u00e9".encode()}},
        {"headers": key.headers},
    ]
    for request in requests:
        assert_oauth_error(await api.post(TOKEN, data=GRANT, **request), 401, "invalid_client")
    for form in (
        {"client_id": str(key.id)},
        {"client_secret": key.secret},
        {"client_id": str(other.id), "client_secret": key.secret},
        {"client_id": str(key.id), "client_secret": "nonsense"},
    ):
        assert_oauth_error(await api.post(TOKEN, data={**GRANT, **form}), 401, "invalid_client")
    await assert_unused(key)


async def test_two_client_credentials_are_rejected(api: httpx.AsyncClient):
    key = await make(make_key)
    for form in ({"client_secret": key.secret}, {"client_id": key.secret[:12]}):
        assert_oauth_error(await request_token(api, key, **form), 400, "invalid_request")
    await assert_unused(key)


@pytest.mark.parametrize("grant", ["password", "authorization_code", "refresh_token", "Client_Credentials", "x" * 999])
async def test_other_grant_types_are_rejected(api: httpx.AsyncClient, grant: str):
    key = await make(make_key)
    assert_oauth_error(await request_token(api, key, grant_type=grant), 400, "unsupported_grant_type")
    await assert_unused(key)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/x-www-form-urlencoded", b""),
        ("application/x-www-form-urlencoded", b"grant_type="),
        ("application/x-www-form-urlencoded", b"grant_type"),
        ("application/x-www-form-urlencoded", b"grant_type=client_credentials&grant_type=client_credentials"),
        ("application/x-www-form-urlencoded", b"grant_type=client_credentials&scope=&scope="),
        ("application/x-www-form-urlencoded", b"grant_type=client_credentials&scope=%ff"),
        ("application/x-www-form-urlencoded", b"grant_type=client_credentials&scope=\xff"),
        ("application/x-www-form-urlencoded", b"grant_type=client_credentials" + b"&a=%41" * 20),
        ("application/x-www-form-urlencoded", b"grant_type=client_credentials&padding=" + b"x" * 16384),
        ("application/json", b'{"grant_type": "client_credentials"}'),
        ("multipart/form-data; boundary=x", b"--x--"),
        ("text/plain", b"grant_type=client_credentials"),
        (None, b"grant_type=client_credentials"),
    ],
)
async def test_invalid_form_is_rejected(api: httpx.AsyncClient, content_type: str | None, body: bytes):
    key = await make(make_key)
    headers = {"Content-Type": content_type} if content_type else {}
    response = await api.post(TOKEN, content=body, headers=headers, auth=client_of(key))
    assert_oauth_error(response, 400, "invalid_request")
    await assert_unused(key)


async def test_parameters_in_the_query_are_ignored(api: httpx.AsyncClient):
    key = await make(make_key)
    response = await api.post(TOKEN, params=GRANT, data={"other": "x"}, auth=client_of(key))
    assert_oauth_error(response, 400, "invalid_request")
    secret = {"client_id": str(key.id), "client_secret": key.secret}
    assert_oauth_error(await api.post(TOKEN, params=secret, data=GRANT), 401, "invalid_client")


async def test_unknown_body_parameters_are_ignored(api: httpx.AsyncClient):
    response = await request_token(api, await make(make_key), assertion="x", unknown="x")
    assert response.status_code == 200


async def test_each_exchange_counts_against_the_rate_limit(api: httpx.AsyncClient):
    plan = await make(make_plan, ("minute", 2, 60))
    key = await make(make_key, await make(make_user, plan=plan), scopes=["a:b"])
    assert_oauth_error(await request_token(api, key, scope="c"), 400, "invalid_scope")
    responses = [await request_token(api, key) for _ in range(3)]
    assert [response.status_code for response in responses] == [200, 200, 429]
    assert [response.headers["x-ratelimit-remaining"] for response in responses] == ["1", "0", "0"]
    assert_oauth_error(responses[2], 429, "temporarily_unavailable")
    assert 50 <= int(responses[2].headers["retry-after"]) <= 60
    assert [action for action, *_ in await audited()] == ["token.issued"] * 2


async def test_exchange_is_limited_per_address(api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(settings, "PUBLIC_RATE_LIMIT", "1/h")
    key = await make(make_key)
    assert (await request_token(api, key)).status_code == 200
    assert_oauth_error(await request_token(api, key), 429, "temporarily_unavailable")


async def test_errors_before_the_endpoint_use_the_error_envelope(api: httpx.AsyncClient):
    wrong_method = await api.get(TOKEN)
    too_large = await api.post(TOKEN, content=b"x" * (1024 * 1024 + 1))
    assert (wrong_method.status_code, wrong_method.json()["error"]["code"]) == (405, "METHOD_NOT_ALLOWED")
    assert (too_large.status_code, too_large.json()["error"]["code"]) == (413, "PAYLOAD_TOO_LARGE")
