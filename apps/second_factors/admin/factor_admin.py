"""The base of the factors' pages, to be read only."""

from apps.core.admin.owner_columns import OwnerColumns
from apps.core.admin.read_only_admin import ReadOnlyAdmin


class FactorAdmin(ReadOnlyAdmin, OwnerColumns):
    """Shows whose a factor is and when it was used; only its owner makes and removes it."""

    search_fields = ("user__email",)
    search_help_text = "E-mail address"
    ordering = ("-id",)
