"""The errors services raise. `apps.core.http.error_responses` turns them into HTTP; `apps.oauth` does for its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from apps.core.values.api_path import API_PATH
from apps.core.values.lifetimes import RECENT_AUTHENTICATION_SECONDS


@dataclass(frozen=True, slots=True)
class ErrorDetail:
    """One reason, and the field it concerns."""

    field: str
    message: str


class DomainError(Exception):
    """A refusal with a stable code, a sentence that may be shown to the client, and field details."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "INTERNAL_ERROR"
    message: ClassVar[str] = "Something went wrong."

    def __init__(
        self,
        message: str | None = None,
        *,
        code: str | None = None,
        details: Sequence[ErrorDetail] = (),
        retry_after_seconds: int | None = None,
    ) -> None:
        self.public_message = message or self.message
        self.public_code = code or self.code
        self.details = tuple(details)
        self.retry_after_seconds = retry_after_seconds
        super().__init__(self.public_message)


class MalformedRequest(DomainError):
    """The request cannot be read."""

    status, code, message = 400, "MALFORMED_REQUEST", "The request is malformed."


class WrongPassword(DomainError):
    """The password given to confirm something is not the right one."""

    status, code, message = 400, "WRONG_PASSWORD", "The current password is wrong."


class InvalidToken(DomainError):
    """A single-use token is not good: unknown, used, expired, or void."""

    status, code, message = 400, "INVALID_TOKEN", "The link is not good any more."


class WrongCode(DomainError):
    """The code is not one that the account's second factors give, or has been used."""

    status, code, message = 400, "WRONG_CODE", "The code is wrong, or has been used."


class PasskeyRefused(DomainError):
    """The passkey is not the account's, or did not sign what it was asked to."""

    status, code, message = 400, "PASSKEY_REFUSED", "The passkey was refused."


class NotAuthenticated(DomainError):
    """No credential, or none that is valid."""

    status, code, message = 401, "NOT_AUTHENTICATED", "A valid credential is needed."
    # What WWW-Authenticate says beside the scheme and the realm.
    challenge: ClassVar[str] = ""


class StepUpRequired(NotAuthenticated):
    """The session is good, and its owner has to prove again who they are before this (RFC 9470)."""

    code, message = "STEP_UP_REQUIRED", f"Prove again who you are, at {API_PATH}/auth/step-up."
    challenge = f', error="insufficient_user_authentication", max_age="{RECENT_AUTHENTICATION_SECONDS}"'


class InsufficientCredits(DomainError):
    """The balance does not cover it."""

    status, code, message = 402, "INSUFFICIENT_CREDITS", "The balance is too low."


class NotAllowed(DomainError):
    """The caller is known, and may not do this."""

    status, code, message = 403, "FORBIDDEN", "You may not do this."


class EmailNotVerified(NotAllowed):
    """The account may be used once its address is verified."""

    code, message = "EMAIL_NOT_VERIFIED", "Confirm your e-mail address first, by the link in the mail."


class SecondFactorRequired(NotAllowed):
    """The session is good, and was proven by one factor where two are asked for."""

    code, message = "SECOND_FACTOR_REQUIRED", "This needs a session that was proven by a second factor."


class InsufficientScopes(NotAllowed):
    """The caller's credential lacks a scope."""

    code, message = "INSUFFICIENT_SCOPES", "The credential lacks a scope."


class NotFound(DomainError):
    """The thing asked for does not exist."""

    status, code, message = 404, "NOT_FOUND", "There is no such thing."


class MethodNotAllowed(DomainError):
    """The address exists, and does not take this method."""

    status, code, message = 405, "METHOD_NOT_ALLOWED", "The method is not allowed here."


class Conflict(DomainError):
    """The change does not fit what is there."""

    status, code, message = 409, "CONFLICT", "The change conflicts with what is there."


class PayloadTooLarge(DomainError):
    """The body is larger than the server reads."""

    status, code, message = 413, "PAYLOAD_TOO_LARGE", "The body is too large."


class UnsupportedMediaType(DomainError):
    """The body is not JSON."""

    status, code, message = 415, "UNSUPPORTED_MEDIA_TYPE", "Send the body as application/json."


class ValidationFailed(DomainError):
    """The request can be read, and a value in it is not acceptable."""

    status, code, message = 422, "VALIDATION_FAILED", "Some values are not acceptable."

    @classmethod
    def of(cls, field: str, message: str) -> "ValidationFailed":
        """Return the error for one field."""
        return cls(details=[ErrorDetail(field, message)])


class TooManyRequests(DomainError):
    """The caller has to wait."""

    status, code, message = 429, "RATE_LIMITED", "Too many requests."


class Unavailable(DomainError):
    """Something the server needs is away for the moment."""

    status, code, message = 503, "UNAVAILABLE", "The service is unavailable for a moment."

    def __init__(self, message: str | None = None, *, retry_after_seconds: int = 1) -> None:
        super().__init__(message, retry_after_seconds=retry_after_seconds)
