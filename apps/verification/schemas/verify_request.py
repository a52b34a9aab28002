"""May this key make this call?"""

from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, StringConstraints

from apps.api_keys.schemas.fields import KEY_LENGTH_MAXIMUM, Scopes
from apps.core.addresses import parse_address
from apps.core.schemas.base import RequestSchema
from apps.core.schemas.fields import Text

WEIGHT_MAXIMUM = 1_000_000
COST_STEP = Decimal("0.000001")


def _is_address(value: str) -> str:
    if parse_address(value) is None:
        raise ValueError("is not an IP address")
    return value


def _as_stored(value: Decimal) -> Decimal:
    # 0E-999999999999 is a zero, and no numeric(20, 6) as it stands.
    return value.quantize(COST_STEP)


class VerifyRequest(RequestSchema):
    """A call to be judged: `cost` is in credits, `weight` counts against the windows, `ip` is the caller's address."""

    key: Annotated[SecretStr, Field(max_length=KEY_LENGTH_MAXIMUM)]
    cost: Annotated[
        Decimal, Field(ge=0, max_digits=20, decimal_places=6, allow_inf_nan=False), AfterValidator(_as_stored)
    ] = Decimal(0)
    weight: Annotated[int, Field(strict=True, ge=1, le=WEIGHT_MAXIMUM)] = 1
    scopes: Scopes = Field(default_factory=list)
    ip: Annotated[str, StringConstraints(max_length=64), AfterValidator(_is_address)] | None = None
    tag: Annotated[Text, StringConstraints(max_length=100)] = ""
    request_id: Annotated[Text, StringConstraints(min_length=1, max_length=100)] | None = None
