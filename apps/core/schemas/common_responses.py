"""The responses that belong to no app: success, errors, health and scopes."""

from typing import Literal, Self

from apps.core.authorization.catalogue import DeclaredScope, HeldBy
from apps.core.schemas.base import ResponseSchema

State = Literal["ok", "unavailable"]


class Done(ResponseSchema):
    """The operation succeeded."""

    status: Literal["ok"] = "ok"


class ErrorDetailOut(ResponseSchema):
    """The error of one field."""

    field: str
    message: str


class ErrorOut(ResponseSchema):
    """An error: a stable code, a message, details per field, and the id of the request for support."""

    code: str
    message: str
    details: list[ErrorDetailOut]
    request_id: str


class ErrorResponse(ResponseSchema):
    """The envelope of every error."""

    error: ErrorOut


class Liveness(ResponseSchema):
    """The process is running."""

    status: Literal["ok"] = "ok"


class Readiness(ResponseSchema):
    """Whether the service is ready, and the state of each dependency."""

    status: Literal["ready", "unavailable"]
    dependencies: dict[str, State]


class ScopeOut(ResponseSchema):
    """A scope that Keyhouse itself checks.

    `held_by` is `everyone` (every account, for its own data), `roles` (accounts with a role that includes it) or
    `staff` (members of staff with a role that includes it). Superusers hold all scopes.
    """

    name: str
    description: str
    held_by: HeldBy

    @classmethod
    def of(cls, scope: DeclaredScope) -> Self:
        """Return the public representation of the scope."""
        return cls(name=scope.name, description=scope.description, held_by=scope.held_by)
