"""The personal data in notes, invitations and pending registrations."""

from datetime import datetime
from typing import override

from apps.core.declarations import PersonalData
from apps.users.repositories.account_note_repository import AccountNoteRepository
from apps.users.repositories.invitation_repository import InvitationRepository
from apps.users.repositories.pending_registration_repository import PendingRegistrationRepository
from apps.users.services.in_transaction.account_erasure import erased_name


class UsersPersonalData(PersonalData):
    """Erases notes, invitations and pending registrations; AccountErasure erases the account's own row last."""

    def __init__(
        self, notes: AccountNoteRepository, invitations: InvitationRepository, pending: PendingRegistrationRepository
    ) -> None:
        self._notes = notes
        self._invitations = invitations
        self._pending = pending

    @override
    async def erase(self, user_id: int) -> None:
        """Delete the notes about the account, and erase the address in the invitations by which it was created."""
        await self._notes.delete_all(user_id)
        await self._invitations.replace_address_of_account(user_id, f"{erased_name(user_id)}@erased.invalid")

    @override
    async def erase_address(self, email: str, until: datetime) -> None:
        """Erase the address in earlier invitations, and delete its pending registrations."""
        await self._invitations.replace_address(email, until, "erased@erased.invalid")
        await self._pending.delete_all_for(email)
