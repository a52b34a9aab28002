"""The responses that belong to no app: success, errors and health."""

from typing import Literal

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
