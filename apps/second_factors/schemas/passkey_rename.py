"""Giving a passkey another name."""

from apps.core.schemas.base import RequestSchema
from apps.core.schemas.fields import ShortText


class PasskeyRename(RequestSchema):
    """What the owner calls it from now on."""

    name: ShortText
