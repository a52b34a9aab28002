"""The lists and pages of passkeys and authenticator apps, and the operation that removes all factors of an account."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest

from apps.core.admin.keyhouse_model_admin import ReadOnlyAdmin
from apps.core.admin.operation import Operation, add_operation
from apps.core.admin.owner_columns import OwnerColumns
from apps.core.admin.staff_rights import PageScopes
from apps.core.authorization.catalogue import SECURITY_READ, SECURITY_WRITE
from apps.core.authorization.principal import Principal
from apps.core.event_loop import call_service
from apps.second_factors.dependencies import factor_recovery, second_factors
from apps.second_factors.models import Passkey, TotpDevice


class FactorAdmin(ReadOnlyAdmin, OwnerColumns):
    """Shows a factor's owner and its last use. Only its owner can add or remove it."""

    page_scopes = PageScopes(view=(SECURITY_READ,))

    search_fields = ("user__email",)
    search_help_text = "E-mail address"
    ordering = ("-id",)


@admin.register(Passkey)
class PasskeyAdmin(FactorAdmin):
    """Lists passkeys."""

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


def _has_factors(user: Any) -> bool:
    return user.deleted_at is None and bool(call_service(second_factors().kinds_of, user.pk))


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
    applies=_has_factors,
    in_bulk=False,
    is_dangerous=True,
)
add_operation("users.User", RESET)
