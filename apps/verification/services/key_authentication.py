"""Turns an API key presented to Keyhouse itself into a principal."""

from apps.api_keys.services.key_format import digest_of, is_well_formed
from apps.core.authorization.principal import CredentialKind, Principal
from apps.core.values.ip_addresses import parse_address
from apps.verification.domain import Code, KeyRecord, Verdict, VerificationQuery
from apps.verification.services.caller_check import is_out_of_place, out_of_place
from apps.verification.services.verification_service import VerificationService


class KeyAuthentication:
    """Judges the caller's key by the same decision as the keys it asks about."""

    def __init__(self, verification: VerificationService) -> None:
        self._verification = verification

    async def judge(self, key: str, address: str | None, *, is_metered: bool) -> Verdict:
        """Return the verdict on a key that comes from `address`; a metered use counts against its windows.

        Raises NotAllowed for a key that counts, but not from there.
        """
        if not is_well_formed(key):
            return Verdict(Code.NOT_FOUND)
        return await self.judge_digest(digest_of(key), address, is_metered=is_metered)

    async def judge_digest(
        self, digest: bytes, address: str | None, scopes: tuple[str, ...] = (), *, is_metered: bool
    ) -> Verdict:
        """Return the verdict on the key with this secret, for a use that needs these scopes; else like `judge`."""
        caller = parse_address(address) if address else None
        weight = 1 if is_metered else 0
        question = VerificationQuery(
            digest,
            weight=weight,
            scopes=scopes,
            address=caller,
            is_metered=is_metered,
            is_recorded=False,
            is_credential=True,
        )
        verdict = await self._verification.judge(question)
        # FORBIDDEN is also the key of an owner who is inactive or locked out; that one counts from nowhere.
        if verdict.record and verdict.code is Code.FORBIDDEN and is_out_of_place(verdict.record, caller):
            raise out_of_place()
        return verdict

    async def inspect(self, digest: bytes, address: str | None) -> Verdict:
        """Return what would be said of the key with this secret if it came from `address`; counts and notes nothing.

        Windows that are used up do not refuse it: it is the key that is asked about, not one more call.
        """
        caller = parse_address(address) if address else None
        question = VerificationQuery(digest, weight=0, address=caller, is_metered=False, is_recorded=False)
        return await self._verification.judge(question)


def principal_of(record: KeyRecord) -> Principal:
    """Return the principal that the key is."""
    return Principal(
        user_id=record.user_id,
        kind=CredentialKind.API_KEY,
        is_staff=record.owner_is_staff,
        is_superuser=record.owner_is_superuser,
        scopes=frozenset(record.scopes),
        api_key_id=record.key_id,
    )
