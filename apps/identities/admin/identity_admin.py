"""The list and pages of identities, and the operation that unlinks them."""

from django.contrib import admin
from django.forms import Form

from apps.core.admin.operation import Operation
from apps.core.admin.owner_columns import OwnerColumns
from apps.core.admin.service_admin import ServiceAdmin
from apps.core.admin.staff_rights import PageScopes
from apps.core.authorization.catalogue import SECURITY_READ, SECURITY_WRITE
from apps.core.authorization.principal import Principal
from apps.core.event_loop import call_service
from apps.identities.dependencies import identity_service
from apps.identities.models import Identity


def _unlink(actor: Principal, identity_id: int, _form: Form) -> None:
    call_service(identity_service().unlink_as_staff, actor, identity_id)


UNLINK = Operation(
    name="unlink",
    label="Unlink",
    title="Unlink {rows}",
    done="{rows} unlinked",
    explanation="The owner can no longer sign in with this identity, and is notified by mail. Sessions continue.",
    perform=_unlink,
    is_dangerous=True,
    is_deletion=True,
)


@admin.register(Identity)
class IdentityAdmin(OwnerColumns, ServiceAdmin):
    """Lists and unlinks identities at other providers. Only their owners can link them."""

    operations = (UNLINK,)
    delete_operation = UNLINK
    audit_kind = "identity"
    page_scopes = PageScopes(view=(SECURITY_READ,), delete=(SECURITY_WRITE,))

    list_display = ("owner", "provider", "email", "subject", "created_at", "last_used_at")
    list_display_links = ("owner", "provider")
    list_filter = ("provider", "created_at")
    search_fields = ("user__email", "email", "subject__exact", "user_id__exact")
    search_help_text = "Part of an e-mail address, a whole subject, or the id of the account"
    ordering = ("-id",)
    fields = readonly_fields = (
        "owner_link", "provider", "issuer", "subject", "email", "linked_by_owner", "created_at", "last_used_at",
    )  # fmt: skip
