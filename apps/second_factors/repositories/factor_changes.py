"""What every change of an account's second factors does beside it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from apps.audit.domain.audit_entry import AuditEntry, RecordAudit
from apps.core.authorization.principal import ANONYMOUS, Principal
from apps.core.database.sql_files import load_statements
from apps.core.database.transactions import run_statement
from apps.second_factors.models import RecoveryCode
from apps.users.domain.security_notice import PostNotice, SecurityNotice

SQL = load_statements(Path(__file__).with_name("second_factors.sql"))


@dataclass(frozen=True, slots=True)
class FactorChanges:
    """Locks the account before, and tells of it after: the audit trail, and the owner by mail.

    Its methods work in the transaction that is open on the calling thread.
    """

    lock_account: Callable[[int], None]
    end_proofs: Callable[[int], None]
    record_audit: RecordAudit
    post_notice: PostNotice

    def tell(self, user_id: int, notice: SecurityNotice, key: str, audit: AuditEntry) -> None:
        """Write the audit event and post the notice."""
        self.record_audit(audit)
        self.post_notice(user_id, notice, key, _known(audit.actor))

    def end_weak_proofs(self, user_id: int) -> None:
        """Before the account's first factor is added: what a password alone has proven counts no more.

        A thief may be signed in by it: whatever asks for recent proof is to ask them for the factor.
        """
        if not self.has_factor(user_id):
            self.end_proofs(user_id)

    def has_factor(self, user_id: int) -> bool:
        """Return whether the account has a second factor; recovery codes only stand in for one."""
        has_totp, has_passkey, _ = run_statement(SQL["kinds"], {"user": user_id})[0]
        return bool(has_totp or has_passkey)

    def add_recovery_codes(self, user_id: int, digests: list[bytes]) -> bool:
        """Insert the codes unless the account has some that are good; return whether they were inserted."""
        if RecoveryCode.objects.filter(user_id=user_id, used_at=None).exists():
            return False
        RecoveryCode.objects.bulk_create(RecoveryCode(user_id=user_id, digest=digest) for digest in digests)
        return True

    def drop_recovery_codes_without_a_factor(self, user_id: int) -> None:
        """Remove the codes with the last of the factors that they stand in for."""
        run_statement(SQL["recovery_codes_without_a_factor"], {"user": user_id})


def _known(actor: Principal) -> Principal | None:
    # Somebody who signs in is not known yet, and is no member of staff.
    return None if actor == ANONYMOUS else actor
