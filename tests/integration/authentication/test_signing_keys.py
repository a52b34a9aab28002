"""`rotate_signing_key`, `/.well-known/jwks.json`, and workers that notice."""

import io
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.authentication.dependencies import key_rotation
from apps.authentication.models import SigningKey
from apps.authentication.repositories.signing_key_repository import SigningKeyRepository
from apps.authentication.services import signing_keys
from apps.authentication.services.signed_tokens import AccessClaims, AccessTokens
from apps.authentication.services.signing_keys import KEY_SET_SECONDS, NOTICE_SECONDS, KeyRing
from apps.core.authorization.principal import OPERATOR
from apps.core.event_loop import call_service
from apps.core.values.api_contract import ACCESS_TOKEN_SECONDS
from tests.support.accounts import customer
from tests.support.assertions import assert_error
from tests.support.orm import make, rows

KEY_SET = "/.well-known/jwks.json"
CLAIMS = AccessClaims(user_id=5, session_id=9)


def worker() -> AccessTokens:
    """Return what issues and reads tokens on a worker of its own."""
    return AccessTokens(KeyRing(SigningKeyRepository()), issuer=settings.TOKEN_ISSUER, audience="keyhouse")


def kid_of(token: str) -> Any:
    return jwt.get_unverified_header(token)["kid"]


async def rotate() -> str:
    """Make a new key, and let the time pass until it signs."""
    kid = await announce()
    await make(SigningKey.objects.filter(kid=kid).update, signs_at=timezone.now())
    return kid


async def announce() -> str:
    return (await key_rotation().rotate(OPERATOR)).kid


async def published(api: httpx.AsyncClient) -> list[str]:
    return [key["kid"] for key in (await api.get(KEY_SET)).json()["keys"]]


async def retire(kid: str) -> None:
    await make(SigningKey.objects.filter(kid=kid).update, retires_at=timezone.now())


async def test_every_worker_signs_with_the_new_key_and_verifies_both(api: httpx.AsyncClient):
    one, other = worker(), worker()
    old = await one.issue(CLAIMS)
    assert await other.read(old) == CLAIMS
    new_kid = await rotate()
    new = await one.issue(CLAIMS)
    assert kid_of(new) == new_kid != kid_of(old)
    assert [await reader.read(token) for reader in (one, other) for token in (old, new)] == [CLAIMS] * 4
    assert kid_of(await other.issue(CLAIMS)) == new_kid
    assert await published(api) == [new_kid, kid_of(old)]


async def test_new_key_is_published_for_the_cache_time_before_it_signs(api: httpx.AsyncClient):
    old_kid = kid_of(await worker().issue(CLAIMS))
    before = timezone.now()
    new_kid = await announce()
    assert await published(api) == [new_kid, old_kid]
    assert kid_of(await worker().issue(CLAIMS)) == old_kid
    (new,) = await rows(SigningKey.objects.filter(kid=new_kid))
    assert timedelta(seconds=KEY_SET_SECONDS + 30) < new.signs_at - before < timedelta(seconds=KEY_SET_SECONDS + 90)


async def test_tokens_of_a_compromised_key_are_rejected(api: httpx.AsyncClient):
    me = await customer()
    old = await worker().issue(CLAIMS)
    new = await key_rotation().rotate(OPERATOR, is_compromised=True)
    assert (new.notice_seconds, new.overlap_seconds) == (0, 0)
    assert await published(api) == [new.kid]
    assert kid_of(await worker().issue(CLAIMS)) == new.kid
    assert await worker().read(old) is None
    assert_error(await api.get("/api/v1/users/me", headers=me.headers), 401, "NOT_AUTHENTICATED")


async def test_sessions_survive_a_rotation(api: httpx.AsyncClient):
    me = await customer()
    await rotate()
    assert (await api.get("/api/v1/users/me", headers=me.headers)).status_code == 200


async def test_new_key_has_the_moment_of_its_insertion(database):
    before = timezone.now()
    await worker().issue(CLAIMS)
    (key,) = await rows(SigningKey.objects.all())
    assert before - timedelta(seconds=5) < key.created_at < timezone.now() + timedelta(seconds=5)


async def test_retired_key_is_neither_published_nor_accepted(api: httpx.AsyncClient):
    me, reader = await customer(), worker()
    old = await reader.issue(CLAIMS)
    new_kid = await rotate()
    await retire(kid_of(old))
    assert await published(api) == [new_kid]
    assert await worker().read(old) is None
    assert await reader.read(await worker().issue(CLAIMS)) == CLAIMS
    assert await reader.read(old) is None
    assert_error(await api.get("/api/v1/users/me", headers=me.headers), 401, "NOT_AUTHENTICATED")


async def test_worker_without_a_new_key_notices_a_retirement(database, monkeypatch: pytest.MonkeyPatch):
    reader = worker()
    old = await reader.issue(CLAIMS)
    assert await reader.read(old) == CLAIMS
    await rotate()
    await retire(kid_of(old))
    monkeypatch.setattr(signing_keys, "CACHE_SECONDS", 0.0)
    monkeypatch.setattr(signing_keys, "READ_INTERVAL_SECONDS", 0.0)
    assert await reader.read(old) is None


async def test_old_keys_are_published_until_their_last_token_has_expired_and_no_cache_holds_them(database):
    await worker().issue(CLAIMS)
    before = timezone.now() + timedelta(seconds=NOTICE_SECONDS)
    await rotate()
    new, old = await rows(SigningKey.objects.order_by("-id"))
    assert new.retires_at is None
    assert old.retires_at is not None
    overlap = old.retires_at - before
    least = timedelta(seconds=ACCESS_TOKEN_SECONDS + 30)
    assert least < overlap < least + timedelta(minutes=2)


async def test_another_rotation_does_not_extend_the_oldest_key(database):
    await worker().issue(CLAIMS)
    await rotate()
    (oldest,) = await rows(SigningKey.objects.exclude(retires_at=None))
    await rotate()
    moments = [key.retires_at for key in await rows(SigningKey.objects.order_by("id"))]
    assert moments[0] == oldest.retires_at
    assert moments[1] is not None
    assert moments[2] is None


async def test_next_token_makes_a_key_where_all_have_retired(database):
    old = await worker().issue(CLAIMS)
    await make(SigningKey.objects.update, retires_at=timezone.now())
    assert kid_of(await worker().issue(CLAIMS)) != kid_of(old)
    assert len(await rows(SigningKey.objects.all())) == 2


def test_concurrent_rotations_leave_one_key_to_sign(database):
    with ThreadPoolExecutor(4) as threads:
        kids = [made.kid for made in threads.map(lambda _: call_service(key_rotation().rotate, OPERATOR), range(8))]
    assert set(SigningKey.objects.values_list("kid", flat=True)) == set(kids)
    newest = SigningKey.objects.order_by("-id")[0]
    assert SigningKey.objects.get(retires_at=None) == newest
    first = SigningKey.objects.order_by("id")[0]
    assert kid_of(call_service(worker().issue, CLAIMS)) == first.kid  # the others are only published yet


@pytest.mark.parametrize(
    ("options", "notice", "overlap"), [(["--json"], 360, 960), ([], 360, 960), (["--compromised"], 0, 0)]
)
def test_command_prints_the_new_key_and_is_recorded(database, options: list[str], notice: int, overlap: int):
    out = io.StringIO()
    call_command("rotate_signing_key", *options, stdout=out)
    key = SigningKey.objects.get()
    if options == ["--json"]:
        assert json.loads(out.getvalue()) == {
            "kid": key.kid, "algorithm": "EdDSA", "notice_seconds": notice, "overlap_seconds": overlap,
        }  # fmt: skip
    else:
        assert (
            out.getvalue()
            == f"kid: {key.kid}\nalgorithm: EdDSA\nnotice_seconds: {notice}\noverlap_seconds: {overlap}\n"
        )
    event = AuditEvent.objects.get()
    assert (event.action, event.target_kind, event.target_id) == ("signing_key.rotated", "signing_key", key.pk)
    is_compromised = options == ["--compromised"]
    assert (event.actor_kind, event.after) == ("operator", {
        "kid": key.kid, "is_compromised": is_compromised, "algorithm": "EdDSA",
    })  # fmt: skip


async def test_key_set_can_be_cached_and_revalidated(api: httpx.AsyncClient):
    whole = await api.get(KEY_SET)
    assert (whole.status_code, whole.headers["cache-control"]) == (200, "public, max-age=300")
    etag = whole.headers["etag"]
    assert etag.startswith('"')
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        same = await api.get(KEY_SET, headers={"If-None-Match": known})
        assert (same.status_code, same.content) == (304, b"")
        assert (same.headers["etag"], same.headers["cache-control"]) == (etag, "public, max-age=300")
        assert "content-length" not in same.headers
    for unknown in ('"other"', etag.strip('"'), "", "\xff"):
        headers = httpx.Headers([(b"if-none-match", unknown.encode("latin1"))])
        answer = await api.get(KEY_SET, headers=headers)
        assert (answer.status_code, answer.json()) == (200, whole.json())


async def test_rotation_changes_the_tag_of_the_key_set(api: httpx.AsyncClient):
    first = (await api.get(KEY_SET)).headers["etag"]
    await rotate()
    answer = await api.get(KEY_SET, headers={"If-None-Match": first})
    assert answer.status_code == 200
    assert answer.headers["etag"] != first
    await make(SigningKey.objects.exclude(retires_at=None).update, retires_at=timezone.now())
    assert (await api.get(KEY_SET)).headers["etag"] not in {first, answer.headers["etag"]}
