"""Why a key may, or may not, make a call."""

from enum import StrEnum


class Code(StrEnum):
    """Why a key may, or may not, make a call; in the order the checks run."""

    NOT_FOUND = "NOT_FOUND"
    DISABLED = "DISABLED"
    EXPIRED = "EXPIRED"
    FORBIDDEN = "FORBIDDEN"
    INSUFFICIENT_SCOPES = "INSUFFICIENT_SCOPES"
    RATE_LIMITED = "RATE_LIMITED"
    INSUFFICIENT_CREDITS = "INSUFFICIENT_CREDITS"
    VALID = "VALID"
