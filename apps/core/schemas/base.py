"""Base classes of request schemas and response schemas."""

from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, model_validator

from apps.core.entity_tags import entity_tag_of
from apps.core.schemas.fields import Reason

UNKNOWN_FIELDS_NAMED = 10
REASON, MESSAGE = "reason", "message"


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


class ReasonedRequest(RequestSchema):
    """The base of changes for which staff may give a `reason`. It is kept in the audit trail, which only staff with the
    right read; the owner of the account is not shown it."""

    reason: Reason = ""

    @property
    def changed_fields(self) -> set[str]:
        """The fields that were sent, except the reason and the message to the customer."""
        return self.model_fields_set - {REASON, MESSAGE}


def reason_in(given: ReasonedRequest | None) -> str:
    """Return the reason in an optional body."""
    return given.reason if given else ""


class ResponseSchema(BaseModel):
    """The base of response bodies."""

    model_config = ConfigDict(frozen=True)


class VersionedOut(ResponseSchema):
    """The public representation of a resource with a version, which responses give as `ETag`.

    `unversioned` are the fields that change with the use of the resource, and do not change its version.
    """

    unversioned: ClassVar[frozenset[str]] = frozenset()

    @property
    def entity_tag(self) -> str:
        """The version (RFC 9110, 8.8.3)."""
        return entity_tag_of(self.model_dump_json(exclude=set(self.unversioned)).encode())


class EntityOut(ResponseSchema):
    """The public representation of a row, read from its attributes of the same names."""

    model_config = ConfigDict(from_attributes=True)

    @classmethod
    def of(cls, row: Any) -> Self:
        """Return the public representation of the row."""
        return cls.model_validate(row)
