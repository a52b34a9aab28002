"""Authorizes the API keys of clients that verify other keys."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address

from apps.core.authorization.scopes import grants
from apps.core.errors import DomainError, InsufficientScopes, InvalidCredential, NotAllowed
from apps.verification.domain import BatchSnapshot, Caller, Code, KeyRecord, VerificationQuery
from apps.verification.services.decision import address_is_allowed, refusal


def refused_callers(snapshot: BatchSnapshot, callers: Iterable[Caller]) -> dict[Caller, DomainError]:
    """Return the callers that may not verify keys, each with the error that its client gets."""
    refusals = {caller: _refusal(snapshot, caller) for caller in callers}
    return {caller: refused for caller, refused in refusals.items() if refused}


def is_refused_for_address(record: KeyRecord, address: IPv4Address | IPv6Address | None) -> bool:
    """Return whether the key is FORBIDDEN only because of the client's address."""
    return record.owner_is_active and not address_is_allowed(record, VerificationQuery(record.digest, address=address))


def address_refusal() -> NotAllowed:
    """Return the error for a key that is used from an address which is not on its allowlist."""
    return NotAllowed("The API key may not be used from this address.")


def _refusal(snapshot: BatchSnapshot, caller: Caller) -> DomainError | None:
    record = snapshot.callers.get(caller.digest)
    if record is None:
        return InvalidCredential()
    code = refusal(record, VerificationQuery(caller.digest, address=caller.address), snapshot.now)
    if code is Code.FORBIDDEN and is_refused_for_address(record, caller.address):
        return address_refusal()
    if code:
        return InvalidCredential()
    if not grants(record.scopes, caller.scope):
        return InsufficientScopes.of(caller.scope)
    return None
