"""Which tables each service operation locks rows of, in order, in the transaction that it opens.

An operation with several alternatives locks more where there is more to change. The integration tests check every
transaction that they run against this table, and that its writes come after the locks. A transaction that holds no lock
inserts rows only, or updates them in one statement. Operations of an OwnedService need no line: they lock the account,
and then at most their own table.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from apps.core.database.lock_order import LOCK_ORDER
from apps.users.services.owned_service import OwnedService
from tests.support.captured_sql import ADVISORY_LOCK, CapturedSql

NONE = ""
PLACE = "OPERATION_LOCKS in tests/support/operation_locks.py"
ADVISORY = ADVISORY_LOCK.removeprefix("lock ")
# What guards the rows of a table: a lock of one of them, or of a row of the table that it belongs to.
GUARDS = {
    "users": ("users",),
    "users_groups": ("users", "auth_group"),
    "api_keys": ("users", "api_keys"),
    "api_key_secrets": ("users", "api_keys"),
    "sessions": ("users", "sessions"),
    "account_notes": ("users", "account_notes"),
    "auth_group": ("auth_group",),
    "auth_group_permissions": ("auth_group",),
    "role_scopes": ("auth_group",),
    "plans": ("plans",),
    "plan_limits": ("plans",),
    "invitations": ("invitations", "users"),
    "invitation_roles": ("invitations", "users", "auth_group"),
    "pending_registrations": ("pending_registrations", ADVISORY, "users"),
    "identities": ("users", "identities"),
    "totp_devices": ("users", "totp_devices"),
    "recovery_codes": ("users",),
    "passkeys": ("users", "passkeys"),
    "signing_keys": (ADVISORY,),
    "credit_approvals": ("credit_approvals", "users"),
    "credit_balances": ("credit_balances",),
}
GATHERING = ", outgoing_mails"  # where changes of keys are counted in one message
MAILBOX = f", {ADVISORY}"  # last, where a notice goes to an address that is not verified
OWNED_LOCKS = ("users", *(f"users, {table}" for table in LOCK_ORDER if table != "users"))
OPERATION_LOCKS: dict[str, Sequence[str]] = {
    "api_keys.ApiKeyService.create": (
        NONE,
        *(
            f"users{more}{mail}"
            for more in ("", ", api_keys", ", api_keys, credit_balances, api_key_counters")
            for mail in ("", GATHERING)
        ),
    ),
    "api_keys.ApiKeyService.create_first": ("users",),
    "api_keys.ApiKeyService.delete": ("users, api_keys",),
    "api_keys.ApiKeyService.revoke": ("users, api_keys",),
    "api_keys.ApiKeyService.rotate": ("users, api_keys", f"users, api_keys{GATHERING}"),
    "api_keys.ApiKeyService.update": ("users, api_keys", f"users, api_keys{GATHERING}"),
    "api_keys.KeyExtension.extend": ("users, api_keys", f"users, api_keys{GATHERING}"),
    "api_keys.KeyReviews.revoke": ("users, api_keys",),
    "api_keys.KeyReviews.revoke_all": ("users, api_keys",),
    "authentication.AccountSessions.end": ("users, sessions",),
    "authentication.AccountSessions.end_all": ("users, sessions",),
    "authentication.AccountSessions.end_of_all_accounts": ("sessions",),
    "authentication.KeyRing._add_first_key": ("advisory",),
    "authentication.KeyRotation.rotate": ("advisory",),
    "authentication.Lockouts.unlock": ("users",),
    "authentication.PasswordCheck._record_wrong": (NONE,),
    "authentication.PasswordReset.request": ("advisory, users, advisory",),
    "authentication.PasswordReset.reset": ("users, sessions", "users, api_keys, sessions"),
    "authentication.PasswordReset.send": ("users",),
    "authentication.PasswordService.change": ("users, sessions",),
    "authentication.PasswordService.set": ("users, sessions",),
    "authentication.SecondStep.begin": (NONE,),
    "authentication.SessionAuthentication.record": ("users, sessions",),
    "authentication.SessionRefresh._advance": ("sessions",),
    "authentication.SessionService.end": ("sessions",),
    "authentication.SessionService.end_others": ("sessions",),
    "authentication.SessionStart._recorded_refusals": (NONE,),
    "authentication.SessionStart.start": ("users",),
    "credits.CreditApprovalService._expire": ("credit_approvals",),
    "credits.CreditApprovalService.approve": (
        "users, credit_approvals",
        "users, credit_approvals, credit_balances",
    ),
    "credits.CreditApprovalService.refuse": ("users, credit_approvals",),
    "credits.CreditApprovalService.withdraw": ("credit_approvals",),
    "credits.CreditService.post": (
        "users",
        "users, credit_balances",
        "users, credit_approvals",
        "users, credit_approvals, credit_balances",
    ),
    "idempotency.OneTimeForms.recall": (NONE,),
    "idempotency.OneTimeForms.remember": (NONE,),
    "idempotency.OneTimeForms.replace": (NONE,),
    "idempotency.OneTimeForms.take": (NONE,),
    "identities.AccountLinking._find_or_link": ("users", "users, invitations"),
    "identities.AccountLinking._link_own": ("users",),
    "identities.AccountLinking._record_refusal": (NONE,),
    "identities.IdentityService.unlink": ("users, identities",),
    "identities.IdentityService.unlink_own": ("users, identities",),
    "mail.MailCheck._enqueue": (NONE,),
    "mail.MessageService.send_again": ("outgoing_mails",),
    "oauth.ClientAuthentication.record": (NONE,),
    "oauth.Revocation._revoke_client_token": (NONE,),
    "oauth.TokenExchange._issue": (NONE,),
    "personal_data.DataExport.document": (NONE,),
    "personal_data.Erasure._erase": ("users",),
    "plans.PlanService.create": (NONE,),
    "plans.PlanService.delete": ("plans",),
    "plans.PlanService.update": ("plans",),
    "second_factors.FactorRecovery.renew_recovery_codes": ("users",),
    "second_factors.FactorRecovery.reset": ("users",),
    "second_factors.FactorRemoval.remove_passkey": ("users, passkeys",),
    "second_factors.FactorRemoval.remove_totp": ("users",),
    "second_factors.PasskeyAuthentication._record_refusal": (NONE,),
    "second_factors.PasskeyAuthentication._use": ("users", "users, passkeys"),
    "second_factors.PasskeyEnrolment.add": ("users",),
    "second_factors.PasskeyEnrolment.remove": ("users, passkeys",),
    "second_factors.PasskeyEnrolment.rename": ("passkeys",),
    "second_factors.SecondFactors.check_code": ("users",),
    "second_factors.TotpEnrolment.begin": ("users",),
    "second_factors.TotpEnrolment.confirm": ("users",),
    "second_factors.TotpEnrolment.remove": ("users",),
    "usage.UsageRollups._add": (NONE, "advisory"),
    "users.AccountRemoval.delete": ("users",),
    "users.AccountRemoval.restore": ("users",),
    "users.AccountUpdate.update": ("users", "users, advisory", "users, auth_group", "users, auth_group, advisory"),
    "users.ConfirmedRegistration._create": ("pending_registrations",),
    "users.ConfirmedRegistration.request": ("advisory, users, advisory",),
    "users.EmailChange._confirm": ("users",),
    "users.EmailChange.cancel": ("users",),
    "users.EmailVerification.remind": ("users", "users, advisory"),
    "users.EmailVerification.send": ("users", "users, advisory"),
    "users.EmailVerification.verify": ("users",),
    "users.InvitationService.invite": ("users", "users, auth_group"),
    "users.InvitationService.resend": ("invitations", "invitations, auth_group"),
    "users.InvitationService.revoke": ("invitations",),
    "users.Registration._accept_invitation": ("invitations", "invitations, auth_group"),
    "users.Registration._create": ("advisory",),
    "users.NoteService.add": (NONE, "users"),
    "users.NoteService.delete": ("users, account_notes",),
    "users.RoleService.create": (NONE,),
    "users.RoleService.delete": ("auth_group",),
    "users.RoleService.update": ("auth_group",),
}


def breaches(operation: str, sql: CapturedSql) -> list[str]:
    """Return what is wrong with the locks of one transaction of the operation."""
    allowed = OPERATION_LOCKS.get(operation) or (OWNED_LOCKS if _is_owned(operation) else ())
    if not allowed:
        return [f"{operation} opens a transaction: add the tables that it locks, in order, to {PLACE}."]
    taken = ", ".join(table for table, before in zip(sql.locks, [None, *sql.locks], strict=False) if table != before)
    if taken not in allowed:
        taken = taken.removesuffix(MAILBOX)
    found = [f"{operation} {step} before a lock of {' or '.join(GUARDS[step.split()[1]])}" for step in _unguarded(sql)]
    if taken not in allowed:
        found.append(f"{operation} locks ({taken}); {PLACE} lists {allowed}.")
    return found


def _is_owned(operation: str) -> bool:
    owned: Iterator[type[Any]] = _classes(OwnedService)
    return operation.rpartition(".")[0] in {f"{kind.__module__.split('.')[1]}.{kind.__name__}" for kind in owned}


def _classes(base: type[Any]) -> Iterator[type[Any]]:
    yield base
    for derived in base.__subclasses__():
        yield from _classes(derived)


def _unguarded(sql: CapturedSql) -> list[str]:
    held: set[str] = set()
    found = []
    for step in sql.steps:
        verb, table = step.split()
        if verb in {"lock", "insert"}:
            held.add(table)
        elif table in GUARDS and not held.intersection(GUARDS[table]):
            found.append(step)
    return found
