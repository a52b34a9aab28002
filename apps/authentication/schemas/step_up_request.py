"""Proving once more who one is."""

from typing import Self

from pydantic import model_validator

from apps.core.schemas.base import RequestSchema
from apps.second_factors.schemas import Code, PasskeyAssertion
from apps.users.schemas.fields import Password


class StepUpRequest(RequestSchema):
    """One of: a code or a passkey of the account's second factors, or its password while it has none."""

    password: Password | None = None
    code: Code | None = None
    passkey: PasskeyAssertion | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if [self.password, self.code, self.passkey].count(None) != 2:
            raise ValueError("send exactly one of password, code and passkey")
        return self
