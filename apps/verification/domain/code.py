"""The outcome of a verification, in one word."""

from enum import StrEnum


class Code(StrEnum):
    """Whether a key may make a call, or why not; in the order in which the checks run."""

    NOT_FOUND = "NOT_FOUND"
    DISABLED = "DISABLED"
    EXPIRED = "EXPIRED"
    FORBIDDEN = "FORBIDDEN"
    INSUFFICIENT_SCOPES = "INSUFFICIENT_SCOPES"
    RATE_LIMITED = "RATE_LIMITED"
    INSUFFICIENT_CREDITS = "INSUFFICIENT_CREDITS"
    VALID = "VALID"
