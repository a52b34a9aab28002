"""What apps whose transactions still run on threads call of AccountRemoval; removed with the last of them."""

from collections.abc import Sequence

from django.conf import settings

from apps.audit.dependencies import audit_service
from apps.audit.domain.audit_entry import AuditEntry
from apps.core.authorization.principal import OPERATOR
from apps.users.models import User
from apps.users.repositories.erasure_repository import ErasureRepository
from apps.users.repositories.old_user_repository import OldUserRepository

_users = OldUserRepository()


class OldAccountRemoval:
    """See AccountErasure, which takes its place. `lock_due` and `erase` work in the transaction of the thread."""

    async def due(self, after: User | None) -> Sequence[User]:
        return await ErasureRepository().due(settings.ERASE_AFTER_DAYS, after)

    def lock_due(self, user_id: int) -> User | None:
        return _users.lock_due(user_id, settings.ERASE_AFTER_DAYS)

    def erase(self, user: User) -> None:
        _users.erase(user)
        audit_service().record(AuditEntry(OPERATOR, "user.erased", "user", user.pk))
