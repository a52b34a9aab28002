"""Authorizes the API keys of clients that verify other keys."""

from collections.abc import Iterable

from apps.core.authorization.scopes import grants
from apps.core.errors import DomainError, InsufficientScopes, InvalidCredential, NotAllowed
from apps.verification.domain import BatchSnapshot, Caller, Detail, Purpose, VerificationQuery
from apps.verification.services.decision import refusal


def refused_callers(snapshot: BatchSnapshot, callers: Iterable[Caller]) -> dict[Caller, DomainError]:
    """Return the callers that may not verify keys, each with the error that its client gets."""
    refusals = {caller: _refusal(snapshot, caller) for caller in callers}
    return {caller: refused for caller, refused in refusals.items() if refused}


def address_refusal() -> NotAllowed:
    """Return the error for a key that is used from an address which is not on its allowlist."""
    return NotAllowed("The API key may not be used from this address.")


def _refusal(snapshot: BatchSnapshot, caller: Caller) -> DomainError | None:
    record = snapshot.records.get(caller.digest)
    if record is None:
        return InvalidCredential()
    query = VerificationQuery(digest=caller.digest, purpose=Purpose.CREDENTIAL, weight=0, address=caller.address)
    refused = refusal(record, query, snapshot.now)
    if refused and refused.detail == Detail.ADDRESS_NOT_ALLOWED:
        return address_refusal()
    if refused:
        return InvalidCredential()
    if not grants(record.scopes, caller.scope):
        return InsufficientScopes.of(caller.scope)
    return None
