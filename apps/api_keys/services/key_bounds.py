"""The bounds of API keys. An API key never loosens them, its own or others'; what it creates inherits its own."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from apps.api_keys.models import ApiKey
from apps.core.authorization.scopes import added_scopes
from apps.core.errors import ErrorDetail, NotAllowed

SESSION = "Sign in to do this."


def require_no_looser(key: ApiKey, changes: Mapping[str, Any]) -> None:
    """Raise NotAllowed, with the fields, where the changes would loosen a bound of the key."""
    looser = {
        "scopes": bool(added_scopes(key.scopes, changes.get("scopes", ()))),
        "ip_allowlist": not _is_within(changes.get("ip_allowlist", key.ip_allowlist), key.ip_allowlist),
        "expires_at": _exceeds(changes.get("expires_at", key.expires_at), key.expires_at),
        "budget": _exceeds(changes.get("budget", key.budget), key.budget),
        "is_active": not key.is_active and changes.get("is_active", False),
    }
    _refuse("An API key cannot loosen the bounds of a key.", looser)


def inherited(creator: ApiKey, fields: Mapping[str, Any], spent: Decimal) -> dict[str, Any]:
    """Return the fields of a key that `creator`, which has spent so much of its budget, is about to create.

    What is not named, the new key inherits. Raises NotAllowed, with the fields, for what exceeds the creator's bounds.
    """
    left = None if creator.budget is None else max(creator.budget - spent, Decimal(0))
    bounds: dict[str, Any] = {"ip_allowlist": creator.ip_allowlist, "expires_at": creator.expires_at, "budget": left}
    chosen = {name: bound if fields[name] in (None, []) else fields[name] for name, bound in bounds.items()}
    exceeds = {
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
