"""An API key as a batch uses it, beside its counters and its owner's balance."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from ipaddress import ip_network
from typing import Any, NamedTuple, Self

import orjson

from apps.core.authorization.scopes import effective_scopes, held_scopes
from apps.core.rate_limits.rate_limit import RateLimit
from apps.core.schemas.fields import rfc3339
from apps.core.values.ip_addresses import Network

# Of each kind of part. They stay when the last record that has one is removed from the cache, and may have 50 kB each.
DISTINCT_VALUES_CACHED = 512


class KeyRow(NamedTuple):
    """A key, found by one of its secrets, with its owner and plan: the columns of the statement `records`, in order.

    `secret_expires_at` is the end of a rotation's grace period. `metadata`, `rate_limits` and what the plan has are
    JSON. `role_scopes` are those of the owner's roles, or None if no scope of the key depends on them.
    """

    digest: bytes
    secret_expires_at: datetime | None
    key_id: int
    name: str
    environment: str
    scopes: list[str]
    ip_allowlist: list[str]
    metadata: str
    rate_limits: str
    is_active: bool
    revoked_at: datetime | None
    expires_at: datetime | None
    user_id: int
    owner_is_active: bool
    owner_locked_until: datetime | None
    owner_is_staff: bool
    owner_is_superuser: bool
    plan: str
    plan_rate_limits: str
    plan_features: str
    plan_prices: str
    role_scopes: list[str] | None


class KeyRecord(NamedTuple):
    """A key as queries are decided on it. Workers keep many of them, so equal parts are shared.

    `scopes` are the effective ones: those that the owner holds now. `rate_limits` are the plan's and the key's own,
    each with its period in milliseconds, the shortest first. `prices` are the plan's: the credits for a unit of each
    operation. `name` and `properties` are members of a JSON object: what responses say about the key beside its ids.
    Many keys have the same properties.
    """

    digest: bytes
    key_id: int
    user_id: int
    scopes: tuple[str, ...]
    networks: tuple[Network, ...]
    rate_limits: Sequence[tuple[RateLimit, int]]
    prices: Mapping[str, Decimal]
    is_active: bool
    revoked_at: datetime | None
    expires_at: datetime | None
    secret_expires_at: datetime | None
    owner_is_active: bool
    owner_locked_until: datetime | None
    owner_is_staff: bool
    name: bytes
    properties: bytes

    @classmethod
    def of(cls, columns: Sequence[Any]) -> Self:
        """Return the record of a row."""
        row = KeyRow._make(columns)
        scopes = _effective_scopes(tuple(row.scopes), _held_scopes(row))
        return cls(
            digest=bytes(row.digest),
            key_id=row.key_id,
            user_id=row.user_id,
            scopes=scopes,
            networks=_networks(tuple(row.ip_allowlist)),
            rate_limits=rate_limits_of(row.plan_rate_limits, row.rate_limits),
            prices=_prices(row.plan_prices),
            is_active=row.is_active,
            revoked_at=row.revoked_at,
            expires_at=row.expires_at,
            secret_expires_at=row.secret_expires_at,
            owner_is_active=row.owner_is_active,
            owner_locked_until=row.owner_locked_until,
            owner_is_staff=row.owner_is_staff,
            name=orjson.dumps({"name": row.name})[1:-1],  # a copy: orjson's own bytes hold a whole buffer
            properties=_properties(row.environment, scopes, row.plan, row.plan_features, row.metadata, row.expires_at),
        )

    @property
    def description(self) -> bytes:
        """What responses say about the key: the members of a JSON object, without its braces."""
        return b'"key_id":%d,"user_id":%d,%s,%s' % (self.key_id, self.user_id, self.name, self.properties)


def _held_scopes(row: KeyRow) -> frozenset[str] | None:
    if row.role_scopes is None:
        return None
    return held_scopes(row.role_scopes, is_staff=row.owner_is_staff, is_superuser=row.owner_is_superuser)


@lru_cache(maxsize=DISTINCT_VALUES_CACHED)
def _effective_scopes(own: tuple[str, ...], held: frozenset[str] | None) -> tuple[str, ...]:
    return own if held is None else tuple(effective_scopes(own, held))


@lru_cache(maxsize=DISTINCT_VALUES_CACHED)
def _properties(
    environment: str, scopes: tuple[str, ...], plan: str, features: str, metadata: str, expires_at: datetime | None
) -> bytes:
    fields = {
        "environment": environment,
        "scopes": scopes,
        "plan": plan,
        "features": orjson.loads(features),
        "metadata": orjson.loads(metadata),
        "expires_at": rfc3339(expires_at) if expires_at else None,
    }
    return orjson.dumps(fields)[1:-1]


@lru_cache(maxsize=DISTINCT_VALUES_CACHED)
def _networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(map(ip_network, texts))


@lru_cache(maxsize=DISTINCT_VALUES_CACHED)
def _prices(texts: str) -> Mapping[str, Decimal]:
    return {operation: Decimal(price) for operation, price in orjson.loads(texts).items()}


@lru_cache(maxsize=DISTINCT_VALUES_CACHED)
def rate_limits_of(plan_rate_limits: str, rate_limits: str) -> Sequence[tuple[RateLimit, int]]:
    """Return the rate limits of a key, each with its period in milliseconds, the shortest first.

    The key's own rate limits replace those of the plan with the same name.
    """
    by_name = {
        name: RateLimit.model_construct(name=name, limit=limit, period_seconds=period_seconds)
        for name, limit, period_seconds in orjson.loads(plan_rate_limits)
    }
    by_name |= {fields["name"]: RateLimit.model_construct(**fields) for fields in orjson.loads(rate_limits)}
    ordered = sorted(by_name.values(), key=lambda limit: limit.period_seconds)
    return tuple((limit, limit.period_seconds * 1000) for limit in ordered)
