"""The two kinds of schema: what clients send, and what they get."""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, model_validator

UNKNOWN_FIELDS_NAMED = 10


class RequestSchema(BaseModel):
    """What a client sends: unknown fields are refused, and a refusal never repeats the value, which may be a secret."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _has_few_fields(cls, value: Any) -> Any:
        # An error for each of a hundred thousand unknown fields would take seconds, whoever has sent them.
        if isinstance(value, dict) and len(value) > len(cls.model_fields) + UNKNOWN_FIELDS_NAMED:
            raise ValueError("has too many fields that are not known")
        return value


class ResponseSchema(BaseModel):
    """What a client gets."""

    model_config = ConfigDict(frozen=True)


class EntityOut(ResponseSchema):
    """What is shown of a row, read from its attributes of the same names."""

    model_config = ConfigDict(from_attributes=True)

    @classmethod
    def of(cls, row: Any) -> Self:
        """Return what is shown of the row."""
        return cls.model_validate(row)
