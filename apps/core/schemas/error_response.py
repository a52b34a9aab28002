"""The shape of every error."""

from apps.core.schemas.base import ResponseSchema


class ErrorDetailOut(ResponseSchema):
    """One reason, and the field it concerns."""

    field: str
    message: str


class ErrorOut(ResponseSchema):
    """A refusal: a stable code, a sentence, the fields concerned, and the request's id for support."""

    code: str
    message: str
    details: list[ErrorDetailOut]
    request_id: str


class ErrorResponse(ResponseSchema):
    """The envelope every error comes in."""

    error: ErrorOut
