"""The identities' list and pages, to be read, and to unlink from."""

from django.contrib import admin
from django.http import HttpRequest

from apps.core.admin.owner_columns import OwnerColumns
from apps.core.admin.service_admin import ServiceAdmin
from apps.identities.admin.identity_operations import UNLINK
from apps.identities.models import Identity


@admin.register(Identity)
class IdentityAdmin(OwnerColumns, ServiceAdmin):
    """Finds out with which providers somebody signs in."""

    operations = (UNLINK,)
    delete_operation = UNLINK
    audit_kind = "identity"
    verbs = ("view", "delete")

    list_display = ("owner", "provider", "email", "subject", "created_at", "last_used_at")
    list_display_links = ("owner", "provider")
    list_filter = ("provider", "created_at")
    search_fields = ("user__email", "email", "subject__exact", "user_id__exact")
    search_help_text = "Part of an address, a whole subject, or the number of the account"
    ordering = ("-id",)
    fields = readonly_fields = (
        "owner_link", "provider", "issuer", "subject", "email", "created_at", "last_used_at",
    )  # fmt: skip

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Leave linking to the owner, who alone can show who they are at a provider."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Leave what a provider says as it is."""
        return False
