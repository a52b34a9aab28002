"""Reads and writes passkeys."""

from dataclasses import dataclass, field, replace
from uuid import UUID

from django.db import IntegrityError
from django.db.models import QuerySet

from apps.audit.domain.audit_entry import AuditEntry
from apps.core.database.orm.prepared_query import prepared
from apps.core.database.orm.queries import fetch_one
from apps.core.database.transactions import run_in_transaction, run_statement, violated_constraint
from apps.core.errors import Conflict, NotFound
from apps.second_factors.models import Passkey
from apps.second_factors.repositories.factor_changes import SQL, FactorChanges
from apps.users.domain.security_notice import SecurityNotice

PASSKEYS_MAXIMUM = 20  # an account


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """What an authenticator has said of a new key pair."""

    credential_id: bytes
    public_key: bytes = field(repr=False)
    sign_count: int
    aaguid: UUID
    is_backup_eligible: bool
    is_backed_up: bool


@dataclass(frozen=True, slots=True)
class PasskeyUse:
    """A use of a passkey whose signature is right."""

    passkey_id: int
    user_id: int
    sign_count: int
    is_backed_up: bool


class PasskeyRepository:
    """The passkeys' rows. Lock order: the account before them."""

    def __init__(self, changes: FactorChanges) -> None:
        self._changes = changes

    async def find(self, credential_id: bytes) -> Passkey | None:
        """Return the passkey with this credential id, or None."""
        return await fetch_one(Passkey.objects.filter(credential_id=credential_id))

    async def of_user(self, user_id: int) -> list[Passkey]:
        """Return the user's passkeys, the oldest first."""
        return await _passkeys_of.all(user_id)

    async def add(self, passkey: Passkey, recovery_digests: list[bytes], audit: AuditEntry) -> tuple[Passkey, bool]:
        """Insert a passkey, and the recovery codes unless the account has some; return it, and whether they were.

        Raises Conflict when it is registered already, or the account has too many.
        """
        return await run_in_transaction(self._add, passkey, recovery_digests, audit)

    async def rename(self, passkey_id: int, user_id: int, name: str, audit: AuditEntry) -> Passkey:
        """Give the user's passkey another name; raises NotFound."""
        return await run_in_transaction(self._rename, passkey_id, user_id, name, audit)

    async def remove(self, passkey_id: int, user_id: int, audit: AuditEntry) -> None:
        """Remove the user's passkey; raises NotFound."""
        await run_in_transaction(self._remove, passkey_id, user_id, audit)

    async def use(self, use: PasskeyUse, cloned: AuditEntry) -> bool:
        """Store the use's counter if it grows; else tell the owner that the passkey may have been copied.

        Raises NotFound when there is no such account, or the passkey has been removed.
        """
        return await run_in_transaction(self._use, use, cloned)

    def _add(self, passkey: Passkey, recovery_digests: list[bytes], audit: AuditEntry) -> tuple[Passkey, bool]:
        user_id = passkey.user_id
        self._changes.lock_account(user_id)
        if Passkey.objects.filter(user_id=user_id).count() >= PASSKEYS_MAXIMUM:
            raise Conflict(f"An account has at most {PASSKEYS_MAXIMUM} passkeys.")
        self._changes.end_weak_proofs(user_id)
        _insert(passkey)
        has_new_codes = self._changes.add_recovery_codes(user_id, recovery_digests)
        self._changes.tell(
            user_id, SecurityNotice.SECOND_FACTOR_ADDED, f"passkey:{passkey.pk}", replace(audit, target_id=passkey.pk)
        )
        return Passkey.objects.get(pk=passkey.pk), has_new_codes

    def _rename(self, passkey_id: int, user_id: int, name: str, audit: AuditEntry) -> Passkey:
        passkey = _locked(passkey_id, user_id)
        before, passkey.name = passkey.name, name
        passkey.save(update_fields=["name"])
        self._changes.record_audit(replace(audit, before={"name": before}, after={"name": name}))
        return passkey

    def _remove(self, passkey_id: int, user_id: int, audit: AuditEntry) -> None:
        self._changes.lock_account(user_id)
        passkey = _locked(passkey_id, user_id)
        passkey.delete()
        self._changes.drop_recovery_codes_without_a_factor(user_id)
        told = replace(audit, before={**audit.before, "name": passkey.name})
        self._changes.tell(user_id, SecurityNotice.SECOND_FACTOR_REMOVED, f"passkey:{passkey_id}", told)

    def _use(self, use: PasskeyUse, cloned: AuditEntry) -> bool:
        self._changes.lock_account(use.user_id)
        values = {"id": use.passkey_id, "count": use.sign_count, "backed_up": use.is_backed_up}
        if run_statement(SQL["use_passkey"], values):
            return True
        _locked(use.passkey_id, use.user_id)
        self._changes.tell(
            use.user_id, SecurityNotice.PASSKEY_CLONED, f"passkey:{use.passkey_id}:{use.sign_count}", cloned
        )
        return False


@prepared
def _passkeys_of(user_id: int) -> QuerySet[Passkey]:
    return Passkey.objects.filter(user_id=user_id).order_by("id")


def _locked(passkey_id: int, user_id: int) -> Passkey:
    found = Passkey.objects.select_for_update(of=("self",)).filter(pk=passkey_id, user_id=user_id).first()
    if found is None:
        raise NotFound
    return found


def _insert(passkey: Passkey) -> None:
    try:
        passkey.save(force_insert=True)
    except IntegrityError as error:
        if "credential_id" not in violated_constraint(error):
            raise
        raise Conflict("This passkey is registered already.") from error
