"""Turns an API key presented to Keyhouse itself into a principal."""

from apps.core.addresses import parse_address
from apps.core.errors import NotAllowed
from apps.core.security.principal import CredentialKind, Principal
from apps.verification.models import Code, KeyRecord, Question
from apps.verification.services.decision import address_is_allowed
from apps.verification.services.verification_service import VerificationService


class KeyAuthentication:
    """Judges the caller's key by the same decision as the keys it asks about."""

    def __init__(self, verification: VerificationService) -> None:
        self._verification = verification

    async def authenticate(self, key: str, address: str | None) -> Principal | None:
        """Return the key's principal, or None for a key that does not count; raises NotAllowed for its address."""
        verdict = await self._verification.judge_caller(key, address)
        if verdict.record and verdict.is_valid:
            return _principal(verdict.record)
        if verdict.record and verdict.code is Code.FORBIDDEN and _is_out_of_place(verdict.record, address):
            raise NotAllowed("The key may not be used from this address.")
        return None


def _is_out_of_place(record: KeyRecord, address: str | None) -> bool:
    # FORBIDDEN is also the key of an owner who is inactive or locked out; that one counts from nowhere.
    question = Question(digest=b"", address=parse_address(address) if address else None)
    return record.owner.is_active and not address_is_allowed(record, question)


def _principal(record: KeyRecord) -> Principal:
    return Principal(
        user_id=record.owner.user_id,
        kind=CredentialKind.API_KEY,
        is_staff=record.owner.is_staff,
        is_superuser=record.owner.is_superuser,
        scopes=frozenset(record.scopes),
        api_key_id=record.key_id,
    )
