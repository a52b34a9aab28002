"""The scopes that an actor may put onto an API key, the keys that an actor may change, and the bounds of keys.

An API key never loosens bounds, its own or others'; what it creates inherits its own.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from apps.api_keys.models import ApiKey
from apps.core.authorization.catalogue import CUSTOMERS_WRITE, EQUIVALENTS, EVERYONES_SCOPES, KEYS_WRITE
from apps.core.authorization.principal import CredentialKind, Principal
from apps.core.authorization.scopes import added_scopes, missing_scopes, reserved_under
from apps.core.errors import ErrorDetail, InsufficientScopes, NotAllowed

SESSION = "Sign in to do this."


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


def require_lasting(actor: Principal) -> None:
    """Raise NotAllowed where the credential expires before its key: a new secret or key would outlive it."""
    if actor.is_temporary:
        raise NotAllowed("A token or a replaced secret cannot create or rotate API keys. Use the key's newest secret.")


def require_may_rotate(actor: Principal, key: ApiKey) -> None:
    """Raise where the new secret would give the actor scopes that the actor lacks, or take a key beyond its bounds.

    An API key rotates only itself and what it has created: the bounds of other keys may be wider than its own.
    """
    require_lasting(actor)
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


def require_may_limit(actor: Principal, owner_id: int) -> None:
    """Raise NotAllowed unless the actor may set rate limits of the owner's keys, which may exceed those of the plan.

    Staff do not set those of their own keys, as they do not change their own plan.
    """
    if actor.kind is CredentialKind.API_KEY or not actor.has_scope(KEYS_WRITE):
        reason = "Only a session of staff with the scope keys:write can set the rate limits of an API key."
    elif owner_id == actor.user_id:
        reason = "You cannot set the rate limits of your own API keys. Ask another member of staff."
    else:
        return
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


def require_no_looser(key: ApiKey, changes: Mapping[str, Any]) -> None:
    """Raise NotAllowed, with the fields, where the changes would loosen a bound of the key."""
    _refuse("An API key cannot loosen the bounds of a key.", _looser(key, changes))


# The bounds of a key as a message to its owner names them.
BOUND_NAMES = {
    "scopes": "scopes",
    "ip_allowlist": "IP allowlist",
    "expires_at": "expiry",
    "budget": "budget",
    "is_active": "switched on",
    "rate_limits": "rate limits",
}


def loosened_bounds(key: ApiKey, changes: Mapping[str, Any]) -> list[str]:
    """Return the names, for people, of the key's bounds that the changes loosen."""
    looser = _looser(key, changes)
    looser["rate_limits"] = "rate_limits" in changes and _raises(key.rate_limits, changes["rate_limits"])
    return [BOUND_NAMES[name] for name, is_looser in looser.items() if is_looser]


def _looser(key: ApiKey, changes: Mapping[str, Any]) -> dict[str, bool]:
    return {
        "scopes": bool(added_scopes(key.scopes, changes.get("scopes", ()))),
        "ip_allowlist": not _is_within(changes.get("ip_allowlist", key.ip_allowlist), key.ip_allowlist),
        "expires_at": _exceeds(changes.get("expires_at", key.expires_at), key.expires_at),
        "budget": _exceeds(changes.get("budget", key.budget), key.budget),
        "is_active": not key.is_active and changes.get("is_active", False),
    }


def _raises(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether rate limits of a key may allow more calls than those before.

    One that is new may replace a lower one of the plan, and one that is removed may leave a higher one.
    """
    old, new = ({limit["name"]: limit for limit in limits} for limits in (before, after))
    return old.keys() != new.keys() or any(
        new[name]["limit"] > old[name]["limit"] or new[name]["period_seconds"] < old[name]["period_seconds"]
        for name in old
    )


def inherited(creator: ApiKey, fields: Mapping[str, Any], spent: Decimal) -> dict[str, Any]:
    """Return the fields of a key that `creator`, which has spent so much of its budget, is about to create.

    What is not named, the new key inherits. Raises NotAllowed, with the fields, for what exceeds the creator's bounds:
    a test key creates no live keys.
    """
    test, live = ApiKey.Environment.TEST, ApiKey.Environment.LIVE
    left = None if creator.budget is None else max(creator.budget - spent, Decimal(0))
    bounds: dict[str, Any] = {"ip_allowlist": creator.ip_allowlist, "expires_at": creator.expires_at, "budget": left}
    chosen = {name: bound if fields[name] in (None, []) else fields[name] for name, bound in bounds.items()}
    exceeds = {
        "environment": (creator.environment, fields["environment"]) == (test, live),
        "ip_allowlist": not _is_within(chosen["ip_allowlist"], creator.ip_allowlist),
        "expires_at": _exceeds(chosen["expires_at"], creator.expires_at),
        "budget": _exceeds(chosen["budget"], left),
    }
    _refuse("The new key would exceed the bounds of the key that creates it.", exceeds)
    return {**fields, **chosen, "rate_limits": creator.rate_limits}


def _exceeds(value: datetime | Decimal | None, bound: datetime | Decimal | None) -> bool:
    """Return whether the value, None for no bound, is beyond `bound`."""
    return bound is not None and (value is None or value > bound)  # type: ignore[operator]  # both of one type


def _is_within(networks: Sequence[str], allowed: Sequence[str]) -> bool:
    """Return whether the allowlist admits no address that `allowed` does not. An empty one admits every address."""
    if not allowed:
        return True
    return bool(networks) and all(_is_in_one(ip_network(network), allowed) for network in networks)


def _is_in_one(network: IPv4Network | IPv6Network, allowed: Iterable[str]) -> bool:
    wider = (each for each in map(ip_network, allowed) if each.version == network.version)
    return any(network.subnet_of(each) for each in wider)  # type: ignore[arg-type]  # of the same version


def _refuse(reason: str, is_beyond: Mapping[str, bool]) -> None:
    if any(is_beyond.values()):
        raise NotAllowed(reason, details=[ErrorDetail(field, SESSION) for field in is_beyond if is_beyond[field]])
