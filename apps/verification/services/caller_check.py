"""Whether the key that asks may ask."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address

from apps.core.authorization.scopes import grants
from apps.core.errors import DomainError, InsufficientScopes, NotAllowed, NotAuthenticated
from apps.verification.domain import BatchSnapshot, Caller, Code, KeyRecord, VerificationQuery
from apps.verification.services.decision import address_is_allowed, refusal


def check_callers(known: BatchSnapshot, callers: Iterable[Caller]) -> dict[Caller, DomainError]:
    """Return what to tell those who may not ask."""
    refusals = {caller: _refusal(known, caller) for caller in callers}
    return {caller: refused for caller, refused in refusals.items() if refused}


def is_out_of_place(record: KeyRecord, address: IPv4Address | IPv6Address | None) -> bool:
    """Return whether the key is refused for nothing but the address it comes from."""
    return record.owner_is_active and not address_is_allowed(record, VerificationQuery(record.digest, address=address))


def out_of_place() -> NotAllowed:
    """Return what its caller is told."""
    return NotAllowed("The key may not be used from this address.")


def _refusal(known: BatchSnapshot, caller: Caller) -> DomainError | None:
    record = known.callers.get(caller.digest)
    if record is None:
        return NotAuthenticated()
    code = refusal(record, VerificationQuery(caller.digest, address=caller.address), known.now)
    if code is Code.FORBIDDEN and is_out_of_place(record, caller.address):
        return out_of_place()
    if code:
        return NotAuthenticated()
    if not grants(record.scopes, caller.scope):
        return InsufficientScopes(f"The credential lacks the scope {caller.scope}.")
    return None
