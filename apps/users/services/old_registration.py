"""What apps whose transactions still run on threads call of Registration; removed with the last of them."""

from django.conf import settings

from apps.audit.dependencies import audit_service
from apps.audit.domain.audit_entry import AuditEntry
from apps.core.authorization.principal import owner_of
from apps.users.repositories.old_user_repository import OldUserRepository
from apps.users.services.in_transaction.federated_registration import canonical_address, printable_name, username_stem
from apps.users.services.registration_mode import OFF, require_open_registration


class OldRegistration:
    """See FederatedRegistration, which takes its place."""

    def register_federated(self, email: str, full_name: str) -> int:
        """Create an account in the transaction that is open on the calling thread, and return its id."""
        users, record = OldUserRepository(), audit_service().record
        invitation = users.lock_invitation_to(email) if settings.REGISTRATION != OFF else None
        if invitation is None:
            require_open_registration()
        name = printable_name(full_name)
        account = {"email": canonical_address(email), "full_name": name, "username": username_stem(email)}
        plan = {"plan_id": invitation.plan_id} if invitation and invitation.plan_id else {}
        user = users.add_federated({**account, **plan})
        owner = owner_of(user.pk)
        record(AuditEntry(owner, "user.created", "user", user.pk, after={**account, "federated": True}))
        if invitation is not None:
            users.accept_invitation(invitation, user.pk)
            record(AuditEntry(owner, "invitation.accepted", "invitation", invitation.pk, subject_id=user.pk))
        return user.pk
