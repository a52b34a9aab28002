"""Callers are authorized in the same batch as their queries."""

import asyncio
from dataclasses import replace
from ipaddress import ip_address

import pytest
from pydantic import SecretStr

from apps.api_keys.models import ApiKeyCounter
from apps.api_keys.services.key_format import digest_of, generate_key
from apps.core.errors import DomainError, InsufficientScopes, InvalidCredential, NotAllowed
from apps.verification.domain import Caller, Code, Verdict, VerificationQuery
from apps.verification.repositories import decision_repository
from apps.verification.repositories.decision_repository import DecisionRepository
from apps.verification.schemas.verification import VerifyRequest
from apps.verification.services.verification_service import VerificationService
from tests.integration.verification.verifying import denials, make_limited_key, usage
from tests.support.factories import IssuedKey, make_key, make_service_key
from tests.support.orm import make, rows
from tests.unit.verification.records import query_about

HERE, ELSEWHERE = ip_address("192.0.2.1"), ip_address("198.51.100.1")


def service() -> VerificationService:
    return VerificationService(DecisionRepository())


def caller(secret: str, address: object = HERE) -> Caller:
    return Caller(digest_of(secret), address, "keys:verify")  # type: ignore[arg-type]


async def refusal_of(query: VerificationQuery) -> DomainError:
    with pytest.raises(DomainError) as refused:
        await service().decide(query)
    return refused.value


@pytest.mark.parametrize(
    ("fields", "address", "error"),
    [
        ({"is_active": False}, HERE, InvalidCredential),
        ({"scopes": []}, HERE, InsufficientScopes),
        ({"ip_allowlist": ["192.0.2.0/24"]}, ELSEWHERE, NotAllowed),
        ({"ip_allowlist": ["192.0.2.0/24"]}, None, NotAllowed),
    ],
)
@pytest.mark.parametrize("asked_key", ["authorized", "malformed", "unknown"])
async def test_an_unauthorized_caller_learns_nothing_and_uses_nothing(
    database: None, fields: dict, address: object, error: type[DomainError], asked_key: str
):
    authorized, key = await make(make_service_key, **fields), await make(make_key)
    digests = {"authorized": digest_of(key.secret), "malformed": b"", "unknown": digest_of(generate_key("live"))}
    query = VerificationQuery(
        digest=digests[asked_key], request_id="r", is_idempotent=True, caller=caller(authorized.secret, address)
    )
    assert type(await refusal_of(query)) is error
    assert (await usage(), await denials()) == ([], {})
    (counter,) = await rows(ApiKeyCounter.objects.filter(pk=key.id))
    assert (bytes(counter.entries), counter.windows, counter.last_used_at) == (b"", "[]", None)


@pytest.mark.parametrize("key", ["", "anything", "sk_live_0"])
async def test_a_malformed_key_is_not_found_for_authorized_callers_only(database: None, key: str):
    authorized: IssuedKey = await make(make_service_key)
    request = VerifyRequest(key=SecretStr(key))
    asked = service()
    query = asked.query_of(key, request, caller=caller(authorized.secret))
    verdict = await asked.decide(query)
    assert (verdict.code, verdict.record) == (Code.NOT_FOUND, None)
    with pytest.raises(InvalidCredential):
        await asked.decide(asked.query_of(key, request, caller=caller(generate_key("live"))))


async def test_callers_of_one_batch_are_authorized_on_their_own(database: None):
    authorized, unauthorized, key = (
        await make(make_service_key),
        await make(make_key),
        await make(make_limited_key, ("hour", 2, 3600)),
    )
    verification, query = service(), query_about(key.secret)
    queries = [
        replace(query, caller=caller(each.secret), tag=tag)
        for each, tag in (
            (unauthorized, "1"),
            (authorized, "2"),
            (unauthorized, "3"),
            (authorized, "4"),
            (authorized, "5"),
        )
    ]
    found = await asyncio.gather(*map(verification.decide, queries), return_exceptions=True)
    outcomes = [each.code if isinstance(each, Verdict) else type(each) for each in found]
    assert outcomes == [InsufficientScopes, Code.VALID, InsufficientScopes, Code.VALID, Code.RATE_LIMITED]
    assert {event.tag for event in await usage()} == {"2", "4"}
    assert await denials() == {(key.id, "RATE_LIMITED"): 1}


async def test_a_key_may_verify_itself(database: None):
    key: IssuedKey = await make(make_limited_key, ("hour", 2, 3600), scopes=["keys:verify"])
    query = query_about(key.secret, caller=caller(key.secret))
    codes = [(await service().decide(query)).code for _ in range(3)]
    assert codes == [Code.VALID, Code.VALID, Code.RATE_LIMITED]
    (counter,) = await rows(ApiKeyCounter.objects.filter(pk=key.id))
    assert counter.last_used_at == (await usage())[-1].occurred_at


async def test_a_failed_commit_leaves_the_use_of_a_caller_to_be_written(
    database: None, monkeypatch: pytest.MonkeyPatch
):
    authorized, key = await make(make_service_key), await make(make_key)
    worker = VerificationService(DecisionRepository())
    query = query_about(key.secret, caller=caller(authorized.secret))
    with monkeypatch.context() as patch:
        patch.setattr(decision_repository, "write_effects", lambda sent, *_: sent.send("SELECT 1 / 0", ()))
        with pytest.raises(Exception, match="division by zero"):
            await worker.decide(query)
    assert (await worker.decide(query)).code is Code.VALID
    assert (await make(ApiKeyCounter.objects.get, pk=authorized.id)).last_used_at is not None
