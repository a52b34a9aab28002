"""Base classes of request schemas and response schemas."""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, model_validator

UNKNOWN_FIELDS_NAMED = 10


class RequestSchema(BaseModel):
    """The base of request bodies and queries. Unknown fields are errors, and errors never repeat a value."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _has_few_fields(cls, value: Any) -> Any:
        # Reporting each of a hundred thousand unknown fields would take seconds.
        if isinstance(value, dict) and len(value) > len(cls.model_fields) + UNKNOWN_FIELDS_NAMED:
            raise ValueError("has too many unknown fields")
        return value


class ResponseSchema(BaseModel):
    """The base of response bodies."""

    model_config = ConfigDict(frozen=True)


class EntityOut(ResponseSchema):
    """The public representation of a row, read from its attributes of the same names."""

    model_config = ConfigDict(from_attributes=True)

    @classmethod
    def of(cls, row: Any) -> Self:
        """Return the public representation of the row."""
        return cls.model_validate(row)
