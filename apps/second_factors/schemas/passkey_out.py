"""A passkey, as its owner sees it."""

from typing import TYPE_CHECKING, Self

from apps.core.schemas.base import ResponseSchema
from apps.core.schemas.fields import Timestamp

if TYPE_CHECKING:
    from apps.second_factors.models import Passkey


class PasskeyOut(ResponseSchema):
    """A passkey; `aaguid` names the authenticator's make.

    `is_backup_eligible` says that it may be kept on other devices too, `is_backed_up` that it is.
    """

    id: int
    name: str
    aaguid: str
    transports: list[str]
    is_backup_eligible: bool
    is_backed_up: bool
    created_at: Timestamp
    last_used_at: Timestamp | None

    @classmethod
    def of(cls, passkey: "Passkey") -> Self:
        """Return the passkey's public face."""
        return cls(
            id=passkey.pk,
            name=passkey.name,
            aaguid=str(passkey.aaguid),
            transports=passkey.transports,
            is_backup_eligible=passkey.is_backup_eligible,
            is_backed_up=passkey.is_backed_up,
            created_at=passkey.created_at,
            last_used_at=passkey.last_used_at,
        )
