"""The list of staff."""

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet
from django.http import HttpRequest

from apps.core.admin.filters import DeletedFilter
from apps.core.admin.staff_rights import PageScopes, acting_staff
from apps.core.authorization.catalogue import CUSTOMERS_READ, CUSTOMERS_SUSPEND, CUSTOMERS_WRITE, STAFF_MANAGE
from apps.users.admin.user_admin import ActivityFilter, RoleFilter, UserAdmin
from apps.users.models import OF_STAFF, Role, StaffMember


@admin.register(StaffMember)
class StaffMemberAdmin(UserAdmin):
    """Finds members of staff, and leads to their invitation, by which each chooses a password alone.

    An existing account becomes one by its form: “Is staff”.
    """

    listed = OF_STAFF
    page_scopes = PageScopes(
        view=(CUSTOMERS_READ,),
        change=(CUSTOMERS_WRITE, CUSTOMERS_SUSPEND, STAFF_MANAGE),
        delete=(CUSTOMERS_WRITE,),
    )

    list_display = ("address", "name", "state_badge", "rights", "created", "last_sign_in")
    list_filter: ClassVar[Any] = (DeletedFilter, ("is_active", ActivityFilter), ("groups", RoleFilter))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Offer an invitation to those who may send one to staff."""
        actor = acting_staff(request)
        may_invite = actor.has_scope(CUSTOMERS_WRITE) and actor.has_scope(STAFF_MANAGE)
        return super().changelist_view(request, {**(extra_context or {}), "may_invite": may_invite})

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the accounts with the names of their roles."""
        names = Role.objects.filter(user=OuterRef("pk")).order_by("name").values("name")
        accounts: QuerySet[Any] = super().get_queryset(request).annotate(role_names=ArraySubquery(names))
        return accounts

    @admin.display(description="Roles")
    def rights(self, user: Any) -> str:
        """Show the roles; superusers need none."""
        return "superuser" if user.is_superuser else ", ".join(user.role_names) or "none"
