"""Changing a key."""

from pydantic import Field

from apps.api_keys.schemas.fields import IpAllowlist, Metadata, Scopes
from apps.core.schemas.base import RequestSchema
from apps.core.schemas.fields import Description, Flag, InputTimestamp, ShortText, omitted


class ApiKeyUpdate(RequestSchema):
    """What to change; what is left out stays. `expires_at: null` takes the expiry away."""

    name: ShortText = Field(default_factory=omitted)
    description: Description = Field(default_factory=omitted)
    scopes: Scopes = Field(default_factory=omitted)
    expires_at: InputTimestamp | None = None
    ip_allowlist: IpAllowlist = Field(default_factory=omitted)
    metadata: Metadata = Field(default_factory=omitted)
    is_active: Flag = Field(default_factory=omitted)
