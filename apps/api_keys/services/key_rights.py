"""What an actor may put onto an API key, and which keys an actor may change."""

from collections.abc import Iterable, Sequence

from apps.api_keys.models import ApiKey
from apps.core.authorization.catalogue import CUSTOMERS_WRITE, EQUIVALENTS, EVERYONES_SCOPES, KEYS_WRITE
from apps.core.authorization.principal import CredentialKind, Principal
from apps.core.authorization.scopes import missing_scopes, reserved_under
from apps.core.errors import ErrorDetail, InsufficientScopes, NotAllowed


def require_may_grant(actor: Principal, owner_id: int, scopes: Sequence[str]) -> None:
    """Raise unless the actor may put the scopes onto a key of the owner.

    Declared scopes take a recently authenticated session, or the operator, that holds them. An API key grants only
    scopes that it has. Raises NotAllowed, InsufficientScopes, StepUpRequired.
    """
    if actor.kind is CredentialKind.API_KEY and missing_scopes(actor.scopes, scopes):
        raise InsufficientScopes("An API key cannot grant a scope that it does not have.")
    declared = reserved_under(scopes)
    _require_held(actor, owner_id, declared)
    if declared:
        actor.require_recent_authentication()


def require_may_rotate(actor: Principal, key: ApiKey) -> None:
    """Raise where the new secret would give the actor scopes that the actor lacks, or take a key beyond its bounds.

    An API key rotates only itself and what it has created: the bounds of other keys may be wider than its own.
    """
    require_no_fewer_scopes(actor, key)
    if actor.kind is CredentialKind.API_KEY and actor.api_key_id not in {key.pk, key.parent_id}:
        raise NotAllowed("An API key can rotate only itself and the keys that it has created.")
    if key.user_id != actor.user_id:
        _require_held(actor, key.user_id, reserved_under(key.scopes))


def require_no_fewer_scopes(actor: Principal, key: ApiKey) -> None:
    """Raise where the key has scopes that the actor lacks: for an API key, and for staff without a second factor.

    A change of what limits the key would give the actor those scopes. Raises InsufficientScopes, SecondFactorRequired.
    """
    if actor.lacks_second_factor:
        for scope in reserved_under(key.scopes):
            actor.require_scope(scope)
    if actor.kind is CredentialKind.API_KEY and missing_scopes(actor.scopes, key.scopes):
        raise InsufficientScopes("An API key cannot change another key that has scopes which it lacks itself.")


def require_may_limit(actor: Principal) -> None:
    """Raise NotAllowed unless the actor may set rate limits of a key, which may exceed those of the plan."""
    if actor.kind is CredentialKind.API_KEY or not actor.has_scope(KEYS_WRITE):
        reason = "Only a session of staff with the scope keys:write can set the rate limits of an API key."
        raise NotAllowed(reason, details=[ErrorDetail("rate_limits", reason)])


def _require_held(actor: Principal, owner_id: int, declared: Iterable[str]) -> None:
    lacking = [scope for scope in declared if not _needed(actor, owner_id, scope) <= actor.scopes]
    if lacking:
        details = [ErrorDetail("scopes", f"You do not hold {scope}, or as much.") for scope in lacking]
        raise NotAllowed("You cannot give an API key scopes that you lack.", details=details)


def _needed(actor: Principal, owner_id: int, scope: str) -> frozenset[str]:
    """Return what the actor must hold to give the scope: on another account's key, a scope of everyone's is about that
    account, so that it takes the scopes of staff for the same.
    """
    if owner_id == actor.user_id or scope not in EVERYONES_SCOPES:
        return frozenset({scope})
    return EQUIVALENTS.get(scope, frozenset({CUSTOMERS_WRITE}))
