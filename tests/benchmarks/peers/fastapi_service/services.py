"""The rules."""

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from tests.benchmarks.peers.fastapi_service.models import ApiKey
from tests.benchmarks.peers.fastapi_service.rate_limiter import RateLimiter, RateLimitStatus
from tests.benchmarks.peers.fastapi_service.repositories import ApiKeyRepository, CreditRepository, UsageRepository
from tests.benchmarks.peers.fastapi_service.schemas import (
    ApiKeyOut,
    ApiKeyPage,
    RateLimitStatusOut,
    UserOut,
    VerifyRequest,
    VerifyResponse,
)


def digest_of(secret: str) -> bytes:
    """Return what a key is stored under."""
    return sha256(secret.encode()).digest()


def is_usable(key: ApiKey) -> bool:
    """Return whether the key and its owner are in force."""
    expired = key.expires_at is not None and key.expires_at <= datetime.now(UTC)
    return key.is_active and key.revoked_at is None and not expired and key.user.is_active


class AuthenticationService:
    """Who is asking?"""

    def __init__(self, keys: ApiKeyRepository) -> None:
        self._keys = keys

    async def authenticate(self, secret: str) -> ApiKey | None:
        """Return the caller's key when it is in force."""
        key = await self._keys.find(digest_of(secret))
        return key if key and is_usable(key) else None


@dataclass(frozen=True, slots=True)
class VerificationService:
    """May this key make this call?"""

    session: AsyncSession
    keys: ApiKeyRepository
    credits: CreditRepository
    usage: UsageRepository
    limiter: RateLimiter

    async def verify(self, request: VerifyRequest) -> VerifyResponse:
        """Judge a call, charge for it, write it down and commit."""
        request_id = request.request_id or uuid4().hex
        key = await self.keys.find_with_limits(digest_of(request.key))
        if key is None:
            return VerifyResponse(valid=False, code="NOT_FOUND", request_id=request_id)
        if not is_usable(key):
            return _verdict("DISABLED", key, request_id)
        if not set(request.scopes) <= set(key.scopes):
            return _verdict("INSUFFICIENT_SCOPES", key, request_id)
        allowed, windows = await self.limiter.hit(key.id, key.user.plan.limits, request.weight)
        if not allowed:
            return _verdict("RATE_LIMITED", key, request_id, windows)
        return await self._charge(key, request, request_id, windows)

    async def _charge(
        self, key: ApiKey, request: VerifyRequest, request_id: str, windows: list[RateLimitStatus]
    ) -> VerifyResponse:
        transaction_id = None
        if request.cost:
            spent = await self.credits.spend(key.user_id, request.cost)
            if spent is None:
                return _verdict("INSUFFICIENT_CREDITS", key, request_id, windows)
            balance, transaction_id = spent
        else:
            balance = await self.credits.balance(key.user_id)
        await self.usage.record(
            user_id=key.user_id,
            api_key_id=key.id,
            cost=request.cost,
            weight=request.weight,
            credit_transaction_id=transaction_id,
            request_id=request_id,
        )
        await self.session.commit()
        return _verdict("VALID", key, request_id, windows).model_copy(update={"balance": balance})


def _verdict(code: str, key: ApiKey, request_id: str, windows: list[RateLimitStatus] | None = None) -> VerifyResponse:
    return VerifyResponse(
        valid=code == "VALID",
        code=code,
        key_id=key.id,
        user_id=key.user_id,
        name=key.name,
        environment=key.environment,
        scopes=key.scopes,
        plan=key.user.plan.name,
        metadata=key.key_metadata,
        expires_at=key.expires_at,
        rate_limits=[
            RateLimitStatusOut(
                name=window.limit.name,
                limit=window.limit.limit,
                period_seconds=window.limit.period_seconds,
                remaining=window.remaining,
                reset_at=window.reset_at,
            )
            for window in windows or ()
        ],
        request_id=request_id,
    )


class AccountService:
    """What a customer sees of the account."""

    def __init__(self, keys: ApiKeyRepository) -> None:
        self._keys = keys

    def me(self, caller: ApiKey) -> UserOut:
        """Return the caller's own account, which came with the key."""
        user = caller.user
        return UserOut(
            id=user.id,
            email=user.email,
            username=user.username,
            full_name=user.full_name,
            plan=user.plan.name,
            is_active=user.is_active,
            is_staff=user.is_staff,
            email_verified_at=user.email_verified_at,
            created_at=user.created_at,
            updated_at=user.updated_at,
            last_login_at=user.last_login_at,
        )

    async def list_keys(self, caller: ApiKey, page: int, size: int) -> ApiKeyPage:
        """Return a page of the caller's keys."""
        keys, total = await self._keys.page(caller.user_id, page, size)
        items = [ApiKeyOut.model_validate(key) for key in keys]
        return ApiKeyPage(items=items, total=total, page=page, size=size, pages=-(-total // size))
