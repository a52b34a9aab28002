"""A new signing key, as the operator sees it."""

from apps.core.schemas.base import ResponseSchema


class SigningKeyOut(ResponseSchema):
    """The key that signs after `notice_seconds`; the ones before it are still believed for `overlap_seconds` then."""

    kid: str
    notice_seconds: int
    overlap_seconds: int
