"""The errors of HTTP/1.1 messages themselves, as the parser and its callbacks raise them."""

from typing import ClassVar

import httptools

from apps.core.database.database_errors import log_unexpected
from apps.core.errors import DomainError, InternalError, MalformedRequest, MethodNotAllowed

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class UnknownMethod(MethodNotAllowed):
    """The method is none that HTTP defines. Methods are case-sensitive (RFC 9110, 9.1)."""

    headers: ClassVar = {"Allow": ", ".join(METHODS)}


class Refused(Exception):
    """Raised in a callback of the parser, to stop it: `error` is what the client gets."""

    def __init__(self, error: DomainError | None = None) -> None:
        super().__init__()
        self.error = error or MalformedRequest()


def error_of(raised: httptools.HttpParserError) -> DomainError:
    """Return what the client gets for the parser's error. Logs unexpected exceptions of callbacks."""
    if isinstance(raised, httptools.HttpParserInvalidMethodError):
        return UnknownMethod()
    cause = raised.__context__ if isinstance(raised, httptools.HttpParserCallbackError) else None
    match cause:
        case Refused():
            return cause.error
        case DomainError():
            return cause
        case None | httptools.HttpParserError():  # the second is of the URL's parser
            return MalformedRequest()
        case _:
            log_unexpected(cause)
            return InternalError()
