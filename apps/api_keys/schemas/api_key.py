"""API keys."""

import json
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import orjson
from pydantic import AfterValidator, Field, PlainValidator, StringConstraints, WithJsonSchema

from apps.core.authorization.scopes import SCOPE_LENGTH_MAXIMUM, SCOPE_PATTERN, effective_scopes, withheld_scopes
from apps.core.rate_limits.rate_limit import RateLimit, RateLimits
from apps.core.schemas.base import ReasonedRequest, VersionedOut
from apps.core.schemas.fields import (
    Amount,
    CustomerMessage,
    Description,
    Flag,
    InputTimestamp,
    ShortText,
    Text,
    Timestamp,
    omitted,
)
from apps.core.schemas.page import CursorQuery
from apps.core.values.amounts import InputAmount
from apps.core.values.ip_addresses import unmapped_network

if TYPE_CHECKING:
    from apps.api_keys.models import ApiKey


METADATA_BYTES_MAXIMUM = 4096
PREFIX_LENGTH_MAXIMUM = 20  # shorter than a secret, which does not belong into a URL
METADATA_DEPTH_MAXIMUM = 32
NUMBER_MINIMUM, NUMBER_MAXIMUM = -(2**63), 2**64 - 1  # what orjson can write


def _unique(values: list[str]) -> list[str]:
    return list(dict.fromkeys(values))


def _canonical_network(text: str) -> str:
    if "%" in text:
        raise ValueError("must not have a zone such as %eth0, which means nothing on another machine")
    try:
        network = ip_network(text.strip(), strict=False)
    except ValueError as error:
        raise ValueError("must be an IP address or a network such as 192.0.2.0/24 or 2001:db8::/32") from error
    return str(unmapped_network(network))


def _is_storable(value: dict[str, Any]) -> dict[str, Any]:
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise ValueError("must be JSON with finite numbers") from error
    if len(text) > METADATA_BYTES_MAXIMUM:
        raise ValueError(f"must be up to {METADATA_BYTES_MAXIMUM} bytes long as JSON")
    _check_parts(value, METADATA_DEPTH_MAXIMUM)
    return value


def _check_parts(value: Any, levels_left: int) -> None:
    if isinstance(value, str) and "\x00" in value:
        raise ValueError("must not contain NUL characters")
    if isinstance(value, int | float) and not NUMBER_MINIMUM <= value <= NUMBER_MAXIMUM:
        raise ValueError("must contain only numbers of up to 64 bits")
    if isinstance(value, dict | list):
        if levels_left == 0:
            raise ValueError(f"must be nested up to {METADATA_DEPTH_MAXIMUM} levels deep")
        for part in (*value, *value.values()) if isinstance(value, dict) else value:
            _check_parts(part, levels_left - 1)


Scope = Annotated[str, StringConstraints(min_length=1, max_length=SCOPE_LENGTH_MAXIMUM, pattern=SCOPE_PATTERN)]
Scopes = Annotated[list[Scope], Field(max_length=50), AfterValidator(_unique)]
NetworkText = Annotated[str, StringConstraints(max_length=64), AfterValidator(_canonical_network)]
IpAllowlist = Annotated[list[NetworkText], Field(max_length=100), AfterValidator(_unique)]
Metadata = Annotated[dict[str, Any], AfterValidator(_is_storable)]
Budget = Annotated[InputAmount, Field(ge=0)]


def _is_future(value: datetime) -> datetime:
    if value <= datetime.now(UTC):
        raise ValueError("must be in the future")
    return value


class ApiKeyCreate(ReasonedRequest):
    """A new API key. An empty `ip_allowlist` allows every address. Without `expires_at` the key never expires; without
    `budget` it can spend all credits of its owner. Only staff can set `rate_limits`, and not
    of their own keys.

    A key that an API key creates inherits the environment, the allowlist, the expiry and the rate limits of that key,
    and may only be narrower: a test key creates only test keys. Its budget is taken from that key's: what is named, or
    all that is left.
    """

    name: ShortText
    description: Description = ""
    environment: Literal["live", "test"] = "live"
    scopes: Scopes = Field(default_factory=list)
    expires_at: Annotated[InputTimestamp, AfterValidator(_is_future)] | None = None
    ip_allowlist: IpAllowlist = Field(default_factory=list)
    metadata: Metadata = Field(default_factory=dict)
    rate_limits: RateLimits = Field(default_factory=list)
    budget: Budget | None = None


class ApiKeyUpdate(ReasonedRequest):
    """The fields to change; omitted fields stay as they are. `expires_at: null` removes the expiry, `budget: null` the
    budget. `rate_limits` replaces all rate limits of the key; only staff can set it, and not of their own keys. An API
    key cannot loosen a bound: add a scope, widen the allowlist, extend the expiry, raise the budget, or activate a key.
    `is_active: false` disables the key until it is set to true again. In responses `is_active` is true only if the key
    can be used."""

    name: ShortText = Field(default_factory=omitted)
    description: Description = Field(default_factory=omitted)
    scopes: Scopes = Field(default_factory=omitted)
    expires_at: InputTimestamp | None = None
    ip_allowlist: IpAllowlist = Field(default_factory=omitted)
    metadata: Metadata = Field(default_factory=omitted)
    rate_limits: RateLimits = Field(default_factory=omitted)
    budget: Budget | None = None
    is_active: Flag = Field(default_factory=omitted)


KeyState = Literal["active", "disabled", "expired", "revoked", "owner_suspended"]
ACTIVE = "active"
# The fields that are not copied from the row.
COMPUTED = frozenset({"id", "scopes", "withheld_scopes", "is_active"})


def _is_no_secret(text: str) -> str:
    if len(text) > PREFIX_LENGTH_MAXIMUM:
        raise ValueError(
            f"must be the beginning of a key, up to {PREFIX_LENGTH_MAXIMUM} characters. A complete key is a secret: "
            "rotate it if you have sent it in a URL"
        )
    return text


def _metadata_filter(text: object) -> dict[str, Any]:
    try:
        value = orjson.loads(text) if isinstance(text, str) else None
    except orjson.JSONDecodeError:
        value = None
    if isinstance(value, dict):
        return _is_storable(value)
    raise ValueError('must be a JSON object such as {"customer": "42"}')


class ApiKeyQuery(CursorQuery):
    """Filters, all of which must match: `state` is the state of the keys now; `name` is part of the name, in any case;
    `prefix` is the beginning of the visible part of one of the secrets; `metadata` is a JSON object that the key's
    metadata contains, such as `{"customer": "42"}`."""

    state: KeyState | None = None
    name: ShortText | None = None
    prefix: (
        Annotated[
            Text,
            StringConstraints(min_length=1),
            AfterValidator(_is_no_secret),
            WithJsonSchema({"type": "string", "minLength": 1, "maxLength": PREFIX_LENGTH_MAXIMUM}),
        ]
        | None
    ) = None
    metadata: Annotated[dict[str, Any], PlainValidator(_metadata_filter), WithJsonSchema({"type": "string"})] | None = (
        None
    )


class ApiKeyOut(VersionedOut):
    """An API key without its secret; `prefix` is the visible part of the newest secret.

    `state` is `active` if the key can be used, or else the first reason why not: `revoked`, `disabled` (`is_active` was
    set to false), `expired`, `owner_suspended` (the owner is suspended or locked). `is_active` is true only if `state`
    is `active`.

    `rate_limits` are the key's own: each replaces the plan's rate limit of the same name, or is added to the plan's.
    `budget` is the number of credits that the key can spend in total, `budget_spent` the number that it has spent.
    `scopes` are in effect; `withheld_scopes` are not, because the owner does not hold them. `parent_id` is the key that
    has created this one, null for a key that a session created.
    """

    # `api_key` is a field of ApiKeyWithSecret, which has the same version.
    unversioned = frozenset({"budget_spent", "last_used_at", "api_key"})

    id: int
    user_id: int
    parent_id: int | None
    name: str
    description: str
    prefix: str
    environment: Literal["live", "test"]
    scopes: list[str]
    withheld_scopes: list[str]
    ip_allowlist: list[str]
    metadata: dict[str, Any]
    rate_limits: list[RateLimit]
    budget: Amount | None
    budget_spent: Amount
    state: KeyState
    is_active: bool
    expires_at: Timestamp | None
    last_used_at: Timestamp | None
    revoked_at: Timestamp | None
    revoked_reason: str
    created_at: Timestamp
    updated_at: Timestamp

    @classmethod
    def of(cls, key: "ApiKey", held: AbstractSet[str], **more: Any) -> Self:
        """Return the public representation of a row of `ApiKeyRepository`; `held` are the scopes of its owner."""
        columns = vars(key)
        return cls(
            id=key.pk,
            scopes=effective_scopes(key.scopes, held),
            withheld_scopes=withheld_scopes(key.scopes, held),
            is_active=columns["state"] == ACTIVE,
            **{name: columns[name] for name in READ_FROM_ROWS},
            **more,
        )


READ_FROM_ROWS = [name for name in ApiKeyOut.model_fields if name not in COMPUTED]


class ApiKeyWithSecret(ApiKeyOut):
    """An API key with its secret, `api_key`, which is shown only once."""

    api_key: str


GRACE_SECONDS_MAXIMUM = 90 * 24 * 3600


class ApiKeyRevoke(ReasonedRequest):
    """The revocation of an API key. `message` is shown to its owner, as `revoked_reason`; without one, the owner's own
    `reason` is. A `reason` of staff is only kept in the audit trail.

    The keys that it has created are revoked with it. With `keep_created_keys`, which requires a session, they stay.
    """

    reason: CustomerMessage = ""
    message: CustomerMessage = ""
    keep_created_keys: Flag = False


class ApiKeyRotate(ReasonedRequest):
    """The grace period, during which both the old and the new secret work.

    `message` of staff is for the key's owner, who reads it in the mail about the new secret.
    """

    grace_seconds: Annotated[int, Field(strict=True, ge=0, le=GRACE_SECONDS_MAXIMUM)] = 0
    message: CustomerMessage = ""


EXTENSION_DAYS_MAXIMUM = 366


class ApiKeyExtend(ReasonedRequest):
    """By how many days an API key is valid longer: from its end or, if it has expired, from now."""

    days: Annotated[int, Field(ge=1, le=EXTENSION_DAYS_MAXIMUM)]
