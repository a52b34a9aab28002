"""Admin columns for the owner of a row."""

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core.admin.keyhouse_model_admin import KeyhouseModelAdmin
from apps.core.errors import NotFound


def owner_id_of(model: type[Model], row_id: int) -> int:
    """Return the id of the row's owner; raises NotFound for a row that was removed while its page was open."""
    owner_id: int | None = model._default_manager.filter(pk=row_id).values_list("user_id", flat=True).first()
    if owner_id is None:
        raise NotFound
    return owner_id


class OwnerColumns(KeyhouseModelAdmin):
    """Shows the owner's e-mail address in the list and links to the owner's page, for rows with a `user`.

    The account's page links to the list by the lookup `user__id__exact`.
    """

    linked_lookups = ("user__id__exact",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the rows, joined with their owners."""
        return super().get_queryset(request).select_related("user")

    @admin.display(description="Owner")
    def owner(self, row: Any) -> str:
        """Return the owner's e-mail address."""
        return str(row.user.email)

    @admin.display(description="Owner")
    def owner_link(self, row: Any) -> SafeString:
        """Return a link to the owner's page."""
        return format_html('<a href="{}">{}</a>', reverse("admin:customer", args=[row.user_id]), row.user)
