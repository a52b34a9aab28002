"""The lists and pages of passkeys and authenticator apps, and the operations that remove one or all of an account."""

from collections.abc import Collection
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest
from django.urls import reverse

from apps.core.admin.account_links import customer_url
from apps.core.admin.keyhouse_model_admin import ReadOnlyAdmin
from apps.core.admin.operation import Operation, add_operation
from apps.core.admin.operation_pages import OperationPages
from apps.core.admin.owner_columns import OwnerColumns, owner_id_of
from apps.core.admin.staff_rights import PageScopes, acting_staff
from apps.core.authorization.catalogue import CUSTOMERS_READ, SECURITY_READ, SECURITY_WRITE
from apps.core.authorization.principal import Principal
from apps.core.event_loop import call_service
from apps.second_factors.dependencies import factor_recovery, factor_removal, second_factors
from apps.second_factors.models import Passkey, TotpDevice
from apps.second_factors.schemas.second_factor import FactorKind

REMOVED_ALONE = (
    "The owner signs in with the factors that remain, or without any by the password alone. All sessions of the "
    "account end. Verify first that the owner has requested it. The owner is notified by mail."
)


def _remove_passkey(actor: Principal, passkey_id: int, _form: Form) -> None:
    call_service(factor_removal().remove_passkey, actor, owner_id_of(Passkey, passkey_id), passkey_id)


def _remove_totp(actor: Principal, user_id: int, _form: Form) -> None:
    call_service(factor_removal().remove_totp, actor, user_id)


def _kinds_of(user: Any) -> Collection[FactorKind]:
    return () if user.deleted_at else call_service(second_factors().kinds_of, user.pk)


REMOVE_PASSKEY = Operation(
    name="remove",
    label="Remove",
    title="Remove {rows}",
    done="{rows} removed",
    explanation=REMOVED_ALONE,
    perform=_remove_passkey,
    scopes=(SECURITY_WRITE,),
    in_bulk=False,
    is_dangerous=True,
)
REMOVE_TOTP = Operation(
    name="remove_totp",
    label="Remove the authenticator app",
    title="Remove the authenticator app of {rows}",
    done="Authenticator app of {rows} removed",
    explanation=REMOVED_ALONE,
    perform=_remove_totp,
    scopes=(SECURITY_WRITE,),
    tab="security",
    applies=lambda user: FactorKind.TOTP in _kinds_of(user),
    in_bulk=False,
    is_dangerous=True,
)


class FactorAdmin(ReadOnlyAdmin, OwnerColumns):
    """Shows a factor's owner and its last use. Only its owner can add it."""

    page_scopes = PageScopes(view=(SECURITY_READ,))

    search_fields = ("user__email",)
    search_help_text = "E-mail address"
    ordering = ("-id",)


@admin.register(Passkey)
class PasskeyAdmin(FactorAdmin, OperationPages):
    """Lists and removes passkeys."""

    operations = (REMOVE_PASSKEY,)
    audit_kind = "passkey"

    list_display = ("name", "owner", "created_at", "last_used_at")
    fields = (
        "name",
        "owner_link",
        ("created_at", "last_used_at"),
        "aaguid",
        "transports",
        "sign_count",
        ("is_backup_eligible", "is_backed_up"),
    )

    def page_around(self, request: HttpRequest, operation: Operation, row: Any) -> str:
        """Return to the customer page of the owner, or to the list."""
        if acting_staff(request).has_scope(CUSTOMERS_READ):
            return customer_url(request, row.user_id, "security")
        return reverse(self.url_name("changelist"))


@admin.register(TotpDevice)
class TotpDeviceAdmin(FactorAdmin):
    """Lists confirmed authenticator apps. An account has at most one: its events have the account as target."""

    audit_kind = "user"

    list_display = ("owner", "confirmed_at", "last_used_at")
    fields = ("owner_link", ("confirmed_at", "last_used_at"))

    def subtitle_of(self, row: Any) -> str:
        """Return the owner."""
        return str(row.user)

    def audit_target(self, row: Any) -> tuple[str, int]:
        """Return the account."""
        return self.audit_kind, row.user_id

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the confirmed authenticator apps."""
        confirmed: QuerySet[Any] = super().get_queryset(request).filter(confirmed_at__isnull=False)
        return confirmed


def _reset(actor: Principal, user_id: int, _form: Form) -> None:
    call_service(factor_recovery().reset, actor, user_id)


RESET = Operation(
    name="reset_second_factors",
    label="Remove second factors",
    title="Remove the second factors of {rows}",
    done="Second factors of {rows} removed",
    explanation=(
        "Removes the authenticator app, the passkeys and the recovery codes of the account, and ends its sessions: "
        "afterwards the password alone signs in. Verify first that the owner has requested it. The owner is notified "
        "by mail."
    ),
    perform=_reset,
    scopes=(SECURITY_WRITE,),
    tab="security",
    applies=lambda user: bool(_kinds_of(user)),
    in_bulk=False,
    is_dangerous=True,
)
add_operation("users.User", REMOVE_TOTP)
add_operation("users.User", RESET)
