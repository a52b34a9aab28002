"""The error envelope."""

from apps.core.schemas.base import ResponseSchema


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
