"""The errors that services raise. `apps.core.http.error_responses` converts them to HTTP; `apps.oauth` its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from apps.core.values.api_contract import API_PATH, RECENT_AUTHENTICATION_SECONDS


@dataclass(frozen=True, slots=True)
class ErrorDetail:
    """The error of one field."""

    field: str
    message: str


class DomainError(Exception):
    """An error with a stable code, a message for the client, and details per field."""

    status: ClassVar[int]
    code: ClassVar[str]
    message: ClassVar[str]
    # Headers that tell the client what it may send instead.
    headers: ClassVar[Mapping[str, str]] = {}

    def __init__(
        self,
        message: str | None = None,
        *,
        details: Sequence[ErrorDetail] = (),
        retry_after_seconds: int | None = None,
    ) -> None:
        self.public_message = message or self.message
        self.details = tuple(details)
        self.retry_after_seconds = retry_after_seconds
        super().__init__(self.public_message)


class MalformedRequest(DomainError):
    """The request cannot be read."""

    status, code, message = 400, "MALFORMED_REQUEST", "The request is malformed. Check the URL, headers and body."


class WrongPassword(DomainError):
    """The password that confirms the request is wrong."""

    status, code, message = 400, "WRONG_PASSWORD", "The current password is wrong."


class InvalidToken(DomainError):
    """A one-time token is unknown, used, expired or replaced by a newer one."""

    status, code, message = 400, "INVALID_TOKEN", "This link is invalid or has expired."


class WrongCode(DomainError):
    """The code does not belong to the account's second factors, or has been used."""

    status, code, message = 400, "WRONG_CODE", "The code is wrong or has been used. Enter a new one."


class PasskeyRefused(DomainError):
    """The passkey does not belong to the account, or its signature is invalid."""

    status, code = 400, "PASSKEY_REFUSED"
    message = "The passkey could not be verified. Try again with a passkey of this account."


class NotAuthenticated(DomainError):
    """The request carries no valid credential."""

    status, code, message = (
        401,
        "NOT_AUTHENTICATED",
        "Authentication is required: send a valid access token or API key.",
    )
    # Additional parameters of WWW-Authenticate, after the scheme and the realm: none where no credential was sent.
    challenge: ClassVar[str] = ""


class InvalidCredential(NotAuthenticated):
    """A credential was sent and cannot be used (RFC 6750, 3.1)."""

    message = "The access token or API key is invalid, expired or revoked. Send one valid credential."
    challenge = ', error="invalid_token"'


class StepUpRequired(NotAuthenticated):
    """The session is valid, and its owner has to re-authenticate before this request (RFC 9470)."""

    code, message = "STEP_UP_REQUIRED", f"Re-authenticate at {API_PATH}/auth/step-up, then repeat the request."
    challenge = f', error="insufficient_user_authentication", max_age="{RECENT_AUTHENTICATION_SECONDS}"'


class InsufficientCredits(DomainError):
    """The balance does not cover the amount."""

    status, code, message = 402, "INSUFFICIENT_CREDITS", "The balance is too low for this amount."


class NotAllowed(DomainError):
    """The caller is authenticated and lacks the permission."""

    status, code, message = 403, "FORBIDDEN", "You do not have permission to do this."


class HttpsRequired(NotAllowed):
    """The request came over plain HTTP, and the server serves HTTPS only."""

    code, message = "HTTPS_REQUIRED", "Send the request over HTTPS, and replace the credential if you have sent one."


class EmailNotVerified(NotAllowed):
    """The account cannot be used before its e-mail address is verified."""

    code, message = "EMAIL_NOT_VERIFIED", "Verify your e-mail address first: open the link in the message that we sent."


class SecondFactorRequired(NotAllowed):
    """The session was authenticated by one factor where two are required."""

    code, message = "SECOND_FACTOR_REQUIRED", "Sign in with a second factor to do this."


class InsufficientScopes(NotAllowed):
    """The caller's credential lacks a scope."""

    code, message = "INSUFFICIENT_SCOPES", "The credential lacks a required scope."
    scope: str | None = None

    @classmethod
    def of(cls, scope: str) -> "InsufficientScopes":
        """Return the error for an operation that needs this scope."""
        error = cls(f"The credential lacks the scope {scope}.")
        error.scope = scope
        return error

    @property
    def challenge(self) -> str:
        """The parameters of WWW-Authenticate after the scheme and the realm (RFC 6750, 3.1)."""
        return ', error="insufficient_scope"' + (f', scope="{self.scope}"' if self.scope else "")


class NotFound(DomainError):
    """The resource does not exist."""

    status, code, message = 404, "NOT_FOUND", "The resource was not found."


class MethodNotAllowed(DomainError):
    """The URL exists and does not support this method."""

    status, code = 405, "METHOD_NOT_ALLOWED"
    message = "This method is not allowed for this URL. Use one that the Allow header lists."


class RequestTimeout(DomainError):
    """The client has taken too long to send its request (RFC 9110, 15.5.9)."""

    status, code, message = 408, "REQUEST_TIMEOUT", "The request took too long to arrive. Send it again."


class Conflict(DomainError):
    """The change conflicts with the current state."""

    status, code, message = 409, "CONFLICT", "The request conflicts with the current state of the resource."


class PreconditionFailed(DomainError):
    """The resource has another version than `If-Match` requires."""

    status, code = 412, "PRECONDITION_FAILED"
    message = "The resource has been changed since you read it. Read it again, then repeat the change."


class PayloadTooLarge(DomainError):
    """The body is larger than the server reads."""

    status, code, message = 413, "PAYLOAD_TOO_LARGE", "The body is too large. Send a smaller one."


class UnsupportedMediaType(DomainError):
    """The body is not JSON."""

    status, code, message = 415, "UNSUPPORTED_MEDIA_TYPE", "Send the body as application/json."


class UnsupportedContentCoding(UnsupportedMediaType):
    """The body is compressed (RFC 9110, 15.5.16)."""

    message = "Send the body without Content-Encoding."
    headers: ClassVar = {"Accept-Encoding": "identity"}


class ValidationFailed(DomainError):
    """The request can be read, and a value in it is invalid."""

    status, code, message = 422, "VALIDATION_FAILED", "Validation failed."

    @classmethod
    def of(cls, field: str, message: str) -> "ValidationFailed":
        """Return the error for one field."""
        return cls(details=[ErrorDetail(field, message)])


class TooManyRequests(DomainError):
    """The caller has sent too many requests."""

    status, code, message = 429, "RATE_LIMITED", "Too many requests."

    def __init__(
        self,
        message: str | None = None,
        *,
        details: Sequence[ErrorDetail] = (),
        retry_after_seconds: int | None = None,
    ) -> None:
        reason = message or self.message
        if retry_after_seconds is not None:
            unit = "second" if retry_after_seconds == 1 else "seconds"
            reason = f"{reason} Retry in {retry_after_seconds} {unit}."
        super().__init__(reason, details=details, retry_after_seconds=retry_after_seconds)


class LockedOut(TooManyRequests):
    """Too many wrong passwords or codes; the caller has to wait."""

    code, message = "LOCKED_OUT", "Too many wrong attempts."


class HeadersTooLarge(DomainError):
    """The head of the request is larger than the server reads (RFC 6585, 5)."""

    status, code, message = (
        431,
        "HEADERS_TOO_LARGE",
        "The URL and the headers are too large. Send fewer or shorter ones.",
    )


class InternalError(DomainError):
    """An unexpected error, which is logged with the id of the request."""

    status, code = 500, "INTERNAL_ERROR"
    message = "An internal error occurred. If it persists, contact support with the request id."


class Unavailable(DomainError):
    """A dependency of the server is unavailable."""

    status, code, message = 503, "UNAVAILABLE", "The service is temporarily unavailable. Retry shortly."

    def __init__(self, message: str | None = None, *, retry_after_seconds: int = 1) -> None:
        super().__init__(message, retry_after_seconds=retry_after_seconds)
