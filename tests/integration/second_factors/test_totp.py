"""`/api/v1/auth/second-factors/totp`: enrolled, confirmed, removed."""

from datetime import timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import httpx
import pytest
import segno
from django.db.models.functions import Now

from apps.audit.models import AuditEvent
from apps.authentication.models import Session
from apps.second_factors.models import RecoveryCode, TotpDevice
from tests.support.accounts import audited, customer
from tests.support.assertions import assert_error
from tests.support.factories import PASSWORD, make_key
from tests.support.mailbox import letters_to
from tests.support.orm import make, rows
from tests.support.second_factors import FACTORS, Authenticator, enrol_totp, let_proofs_grow_old

TOTP = f"{FACTORS}/totp"
CONFIRM = f"{TOTP}/confirm"


async def test_secret_is_shown_as_text_uri_and_qr_code_and_stored_encrypted(api: httpx.AsyncClient):
    me = await customer(email="ivy@example.com")
    response = await api.post(TOTP, headers=me.headers)
    assert response.status_code == 201
    shown = response.json()
    assert set(shown) == {"secret", "otpauth_uri", "qr_code"}
    uri = urlsplit(shown["otpauth_uri"])
    assert (uri.scheme, uri.netloc, unquote(uri.path)) == ("otpauth", "totp", "/Keyhouse:ivy@example.com")
    assert parse_qs(uri.query) == {"secret": [shown["secret"]], "issuer": ["Keyhouse"]}
    assert len(shown["secret"]) == 32  # 160 bits in base32
    assert shown["qr_code"] == segno.make_qr(shown["otpauth_uri"], error="m").svg_data_uri(scale=4)
    (device,) = await rows(TotpDevice.objects.all())
    assert (device.user_id, device.confirmed_at) == (me.id, None)
    assert shown["secret"].encode() not in bytes(device.secret_encrypted)
    assert await audited() == []


async def test_authenticator_app_counts_once_a_code_has_confirmed_it(api: httpx.AsyncClient):
    me = await customer()
    authenticator = Authenticator((await api.post(TOTP, headers=me.headers)).json()["secret"])
    assert (await api.get(FACTORS, headers=me.headers)).json()["kinds"] == []
    response = await api.post(
        CONFIRM, json={"code": f" {authenticator.code()[:3]} {authenticator.code()[3:]} "}, headers=me.headers
    )
    assert response.status_code == 200
    codes = response.json()["recovery_codes"]
    assert (len(codes), len(set(codes)), {len(code) for code in codes}) == (10, 10, {27})
    listed = (await api.get(FACTORS, headers=me.headers)).json()
    assert (listed["kinds"], listed["recovery_codes_left"]) == (["totp", "recovery_code"], 10)
    assert listed["totp"]["confirmed_at"] is not None
    assert await audited() == [("second_factor.added", me.id, me.id)]
    (message,) = await make(letters_to, me.user.email)
    assert message.context["what"] == "A second factor was added to your account."


async def test_confirming_code_is_used_up(api: httpx.AsyncClient):
    me = await customer()
    authenticator = Authenticator((await api.post(TOTP, headers=me.headers)).json()["secret"])
    code = authenticator.code()
    assert (await api.post(CONFIRM, json={"code": code}, headers=me.headers)).status_code == 200
    assert_error(await api.post("/api/v1/auth/step-up", json={"code": code}, headers=me.headers), 400, "WRONG_CODE")


async def test_recovery_codes_are_stored_as_digests_alone(api: httpx.AsyncClient):
    me = await customer()
    _, codes = await enrol_totp(api, me)
    stored = b"".join(bytes(row.digest) for row in await rows(RecoveryCode.objects.all()))
    assert len(stored) == 320
    assert not any(code.encode() in stored or code.replace("-", "").encode() in stored for code in codes)


async def test_new_recovery_codes_replace_the_old_ones_and_the_owner_is_notified(
    api: httpx.AsyncClient,
):
    me = await customer()
    _, old = await enrol_totp(api, me)
    sent = len(await make(letters_to, me.user.email))
    renewed = [(await api.post(f"{FACTORS}/recovery-codes", headers=me.headers)).json()["recovery_codes"] for _ in "ab"]
    assert [len({*old, *codes}) for codes in renewed] == [20, 20]
    assert len(await rows(RecoveryCode.objects.all())) == 10
    assert (await audited())[-2:] == [("recovery_codes.renewed", me.id, me.id)] * 2
    messages = (await make(letters_to, me.user.email))[sent:]
    assert [message.context["what"] for message in messages] == [
        "The recovery codes of your account were replaced."
    ] * 2


async def test_wrong_code_confirms_nothing(api: httpx.AsyncClient):
    me = await customer()
    authenticator = Authenticator((await api.post(TOTP, headers=me.headers)).json()["secret"])
    refused = await api.post(CONFIRM, json={"code": authenticator.wrong_code()}, headers=me.headers)
    assert_error(refused, 400, "WRONG_CODE")
    (device,) = await rows(TotpDevice.objects.all())
    assert device.confirmed_at is None
    (event,) = await rows(AuditEvent.objects.all())
    assert (event.action, event.outcome, event.subject_id) == ("second_factor.refused", "failure", me.id)


async def test_five_wrong_codes_lock_out_the_right_one(api: httpx.AsyncClient):
    me = await customer()
    authenticator = Authenticator((await api.post(TOTP, headers=me.headers)).json()["secret"])
    for _ in range(5):
        wrong = await api.post(CONFIRM, json={"code": authenticator.wrong_code()}, headers=me.headers)
        assert_error(wrong, 400, "WRONG_CODE")
    locked = await api.post(CONFIRM, json={"code": authenticator.code()}, headers=me.headers)
    assert_error(locked, 429, "LOCKED_OUT")
    assert 1 <= int(locked.headers["retry-after"]) <= 30


@pytest.mark.parametrize(
    "code",
    ["", "12345x\x00", "\uff11\uff12\uff13\uff14\uff15\uff16", "1234", "x" * 41, "12 34 5-;", None, 123456, ["1"]],
)
async def test_malformed_codes_are_refused(api: httpx.AsyncClient, code: object):
    me = await customer()
    await api.post(TOTP, headers=me.headers)
    refused = await api.post(CONFIRM, json={"code": code}, headers=me.headers)
    assert_error(refused, 422, "VALIDATION_FAILED", field="code")
    assert await audited() == []


async def test_secret_awaits_its_first_code_for_fifteen_minutes(api: httpx.AsyncClient):
    me = await customer()
    authenticator = Authenticator((await api.post(TOTP, headers=me.headers)).json()["secret"])
    await make(TotpDevice.objects.update, created_at=Now() - timedelta(seconds=901))
    assert_error(await api.post(CONFIRM, json={"code": authenticator.code()}, headers=me.headers), 404, "NOT_FOUND")
    assert (await api.get(FACTORS, headers=me.headers)).json()["kinds"] == []


async def test_confirming_without_a_secret_is_not_found(api: httpx.AsyncClient):
    me = await customer()
    assert_error(await api.post(CONFIRM, json={"code": "123456"}, headers=me.headers), 404, "NOT_FOUND")


async def test_confirmed_authenticator_app_replaces_the_old_one(api: httpx.AsyncClient):
    me = await customer()
    old, _ = await enrol_totp(api, me)
    new = Authenticator((await api.post(TOTP, headers=me.headers)).json()["secret"])
    step_up = "/api/v1/auth/step-up"
    assert (await api.post(step_up, json={"code": old.code()}, headers=me.headers)).status_code == 200
    confirmed = await api.post(CONFIRM, json={"code": new.code()}, headers=me.headers)
    assert confirmed.json() == {"recovery_codes": []}
    assert_error(await api.post(step_up, json={"code": old.code(1)}, headers=me.headers), 400, "WRONG_CODE")
    assert (await api.post(step_up, json={"code": new.code(1)}, headers=me.headers)).status_code == 200
    assert len(await rows(TotpDevice.objects.all())) == 1


async def test_authenticator_app_is_removed_with_its_recovery_codes(api: httpx.AsyncClient):
    me = await customer()
    await enrol_totp(api, me)
    assert (await api.delete(TOTP, headers=me.headers)).status_code == 204
    assert (await rows(TotpDevice.objects.all()), await rows(RecoveryCode.objects.all())) == ([], [])
    assert (await audited())[-1] == ("second_factor.removed", me.id, me.id)
    messages = await make(letters_to, me.user.email)
    assert messages[-1].context["what"] == "A second factor was removed from your account."
    assert_error(await api.delete(TOTP, headers=me.headers), 404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/totp"), ("POST", "/totp/confirm"), ("DELETE", "/totp"), ("POST", "/recovery-codes")],
)
async def test_changes_need_recent_authentication(api: httpx.AsyncClient, method: str, path: str):
    me = await customer()
    authenticator, _ = await enrol_totp(api, me)
    await api.post(TOTP, headers=me.headers)
    before = await _contents()
    await let_proofs_grow_old()
    body = {"code": authenticator.code()} if path.endswith("confirm") else None
    refused = await api.request(method, f"{FACTORS}{path}", json=body, headers=me.headers)
    assert_error(refused, 401, "STEP_UP_REQUIRED")
    assert 'max_age="600"' in refused.headers["www-authenticate"]
    assert await _contents() == before


async def test_session_of_a_password_alone_has_to_show_the_factor_first(api: httpx.AsyncClient):
    me = await customer(password=PASSWORD)
    authenticator, _ = await enrol_totp(api, me)
    await make(Session.objects.update, methods=["pwd"])
    before = await _contents()
    for method, path in (
        ("POST", "/totp"),
        ("DELETE", "/totp"),
        ("POST", "/recovery-codes"),
        ("POST", "/passkeys/options"),
    ):
        refused = await api.request(method, f"{FACTORS}{path}", headers=me.headers)
        assert_error(refused, 401, "STEP_UP_REQUIRED")
    change = {"current_password": PASSWORD, "new_password": "another long and quiet sentence"}
    refused = await api.post("/api/v1/auth/change-password", json=change, headers=me.headers)
    assert_error(refused, 401, "STEP_UP_REQUIRED")
    alone = await api.post("/api/v1/auth/step-up", json={"password": PASSWORD}, headers=me.headers)
    assert_error(alone, 403, "SECOND_FACTOR_REQUIRED")
    assert await _contents() == before
    assert (await api.post("/api/v1/auth/step-up", json={"code": authenticator.code()}, headers=me.headers)).is_success
    assert (await api.post("/api/v1/auth/change-password", json=change, headers=me.headers)).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"), [("GET", ""), ("POST", "/totp"), ("DELETE", "/totp"), ("POST", "/recovery-codes")]
)
async def test_api_key_is_not_allowed(api: httpx.AsyncClient, method: str, path: str):
    me = await customer()
    key = await make(make_key, me.user, scopes=["account:read", "account:write"])
    assert_error(await api.request(method, f"{FACTORS}{path}", headers=key.headers), 403, "FORBIDDEN")
    assert await rows(TotpDevice.objects.all()) == []


async def _contents() -> list[object]:
    devices = await rows(TotpDevice.objects.order_by("id"))
    codes = await rows(RecoveryCode.objects.order_by("id"))
    return [*((row.pk, row.confirmed_at) for row in devices), *((row.pk, bytes(row.digest)) for row in codes)]
