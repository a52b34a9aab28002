"""Security notices of apps whose transactions still run on threads; removed with the last of them."""

from apps.core.authorization.principal import Principal
from apps.mail.domain.message import PostLetter
from apps.users.domain.security_notice import SecurityNotice
from apps.users.repositories.old_user_repository import OldUserRepository
from apps.users.services.in_transaction.security_notifier import notice_to


class OldSecurityNotices:
    """See SecurityNotifier, which takes its place."""

    def __init__(self, post_letter: PostLetter) -> None:
        self._users = OldUserRepository()
        self._post_letter = post_letter

    def post(self, user_id: int, what: SecurityNotice, key: str, actor: Principal | None = None) -> None:
        """Notify the account's owner in the transaction that is open on the calling thread."""
        address, moment = self._users.address_of(user_id)
        if address is not None:
            self._post_letter(notice_to(address, user_id, what, key, moment, actor))
