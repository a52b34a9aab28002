"""The passkeys' list and pages."""

from django.contrib import admin

from apps.second_factors.admin.factor_admin import FactorAdmin
from apps.second_factors.models import Passkey


@admin.register(Passkey)
class PasskeyAdmin(FactorAdmin):
    """Finds passkeys."""

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
