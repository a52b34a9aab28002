"""What goes in and out."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field


class VerifyRequest(BaseModel):
    """A call to be judged."""

    model_config = ConfigDict(extra="forbid")

    key: Annotated[str, Field(max_length=200)]
    cost: Annotated[Decimal, Field(ge=0, max_digits=20, decimal_places=6)] = Decimal(0)
    weight: Annotated[int, Field(ge=1)] = 1
    scopes: list[str] = []
    request_id: Annotated[str, Field(min_length=1, max_length=100)] | None = None


class RateLimitStatusOut(BaseModel):
    """A window and what is left in it."""

    name: str
    limit: int
    period_seconds: int
    remaining: int
    reset_at: datetime


class VerifyResponse(BaseModel):
    """The verdict."""

    valid: bool
    code: str
    key_id: int | None = None
    user_id: int | None = None
    name: str | None = None
    environment: str | None = None
    scopes: list[str] = []
    plan: str | None = None
    metadata: dict[str, Any] = {}
    expires_at: datetime | None = None
    balance: Decimal | None = None
    rate_limits: list[RateLimitStatusOut] = []
    request_id: str


class UserOut(BaseModel):
    """An account."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    email: str
    username: str
    full_name: str
    plan: str
    is_active: bool
    is_staff: bool
    email_verified_at: datetime | None
    created_at: datetime
    updated_at: datetime
    last_login_at: datetime | None


class ApiKeyOut(BaseModel):
    """A key without its secret."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    user_id: int
    name: str
    description: str
    prefix: str
    environment: str
    scopes: list[str]
    ip_allowlist: list[str]
    metadata: Annotated[dict[str, Any], Field(validation_alias="key_metadata")]
    is_active: bool
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    revoked_reason: str
    created_at: datetime
    updated_at: datetime


class ApiKeyPage(BaseModel):
    """A page of keys."""

    items: list[ApiKeyOut]
    total: int
    page: int
    size: int
    pages: int
