"""Authenticates clients of Keyhouse's own API by API key."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from apps.api_keys.services.key_format import digest_of, is_well_formed
from apps.core.authorization.principal import CredentialKind, Principal
from apps.core.rate_limits.rate_limit import RateLimitStatus
from apps.core.values.ip_addresses import parse_address
from apps.verification.domain import Code, Detail, KeyRecord, Purpose, Verdict, VerificationQuery
from apps.verification.services.caller_authorization import address_refusal
from apps.verification.services.verification_service import VerificationService


class KeyAuthentication:
    """Verifies keys that are used for Keyhouse's own API by the same decision as other keys."""

    def __init__(self, verification: VerificationService) -> None:
        self._verification = verification

    async def verify(self, key: str, address: str | None, *, is_metered: bool) -> Verdict:
        """Return the verdict on a key that is used from `address`; a metered use counts against its rate limits.

        Raises NotAllowed for a key that is valid but may not be used from the address.
        """
        if not is_well_formed(key):
            return Verdict(Code.NOT_FOUND)
        return await self.verify_digest(digest_of(key), address, is_metered=is_metered)

    async def verify_digest(
        self, digest: bytes, address: str | None, scopes: tuple[str, ...] = (), *, is_metered: bool
    ) -> Verdict:
        """Return the verdict on the key with this digest, for a use that needs `scopes`; raises as `verify` does."""
        query = VerificationQuery(
            digest=digest,
            purpose=Purpose.CREDENTIAL,
            weight=1 if is_metered else 0,
            scopes=scopes,
            address=parse_address(address) if address else None,
        )
        verdict = await self._verification.decide(query)
        if verdict.detail == Detail.ADDRESS_NOT_ALLOWED:
            raise address_refusal()
        return verdict

    async def inspect(self, digest: bytes, address: str | None) -> Verdict:
        """Return the verdict on the key with this digest, without changing or counting anything.

        Rate limits are not checked, because no call is made.
        """
        client = parse_address(address) if address else None
        query = VerificationQuery(digest=digest, purpose=Purpose.INSPECTION, weight=0, address=client)
        return await self._verification.decide(query)


@dataclass(frozen=True, slots=True)
class KeyAuthenticationResult:
    """The principal of a key, or None when the key may not be used, and whether rate limits or scopes are the reason.

    `expires_at` is when the key or the presented secret expires, the earlier of the two.
    """

    principal: Principal | None = None
    rate_limits: Sequence[RateLimitStatus] = ()
    retry_after_seconds: int | None = None
    is_limited: bool = False
    lacks_scopes: bool = False
    expires_at: datetime | None = None

    @classmethod
    def of(cls, verdict: Verdict) -> Self:
        """Return the result for the verdict."""
        record, is_limited = verdict.record, verdict.code is Code.RATE_LIMITED
        return cls(
            principal=principal_of(record) if record and verdict.is_valid else None,
            rate_limits=verdict.rate_limits,
            retry_after_seconds=_wait_seconds(verdict) if is_limited else None,
            is_limited=is_limited,
            lacks_scopes=verdict.code is Code.INSUFFICIENT_SCOPES,
            expires_at=_expiry(record) if record else None,
        )


def principal_of(record: KeyRecord) -> Principal:
    """Return the principal of a key."""
    return Principal(
        user_id=record.user_id,
        kind=CredentialKind.API_KEY,
        is_staff=record.owner_is_staff,
        scopes=frozenset(record.scopes),
        api_key_id=record.key_id,
        is_temporary=record.secret_expires_at is not None,
        secret_digest=record.digest,
    )


def _wait_seconds(verdict: Verdict) -> int:
    return verdict.retry_after_seconds or verdict.rate_limits[0].period_seconds


def _expiry(record: KeyRecord) -> datetime | None:
    return min(filter(None, (record.expires_at, record.secret_expires_at)), default=None)
