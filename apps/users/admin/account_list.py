"""The columns that the lists of customers and of staff share, and the list of staff."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core.admin import account_links
from apps.core.admin.operation import Operation, added_operations
from apps.core.admin.operation_pages import OperationPages
from apps.core.admin.staff_rights import acting_staff
from apps.core.authorization.catalogue import SECURITY_READ
from apps.core.declarations import app_declarations
from apps.core.event_loop import call_service
from apps.users.schemas.account_overview import AccountState, state_of

ACCOUNTS = "users.User"  # other apps add their operations on accounts to the pages of this model
MOMENT = "j M H:i"
BADGES = {
    AccountState.ACTIVE: "active",
    AccountState.SUSPENDED: "disabled",
    AccountState.LOCKED: "expired",
    AccountState.DELETED: "deleted",
    AccountState.ERASED: "deleted",
}


class AccountList(OperationPages):
    """A list of accounts. Each row leads to the customer page, which is for reading; it leads to the form."""

    listed: ClassVar[Q]
    list_display_links = None  # the address is the link

    @property
    def offered_operations(self) -> tuple[Operation, ...]:
        """The operations of accounts, for the pages of either model."""
        return (*self.operations, *added_operations(ACCOUNTS))

    def allowed_operations(self, request: HttpRequest, names: Collection[str]) -> list[Operation]:
        """Return those of these operations that the signed-in member of staff may use, deletions left out."""
        wanted = (operation for operation in self.offered_operations if operation.name in names)
        return [each for each in wanted if not each.is_deletion and self._may(request, each)]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return all accounts, of which the list shows its own."""
        accounts: QuerySet[Any] = super().get_queryset(request)
        match = request.resolver_match
        is_list = match is not None and f"admin:{match.url_name}" == self.url_name("changelist")
        return accounts.filter(self.listed) if is_list else accounts

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """Return the list, its rows with the end of their lockouts, for staff who may read these."""
        shown = super().get_changelist_instance(request)
        if acting_staff(request).has_scope(SECURITY_READ):
            add_lockouts(shown.result_list)
        return shown

    def found_by(self, term: str) -> Q | None:
        """Find the accounts of this list."""
        condition = super().found_by(term)
        return condition and condition & self.listed

    def found_url(self, row: Any) -> str:
        """Lead to the customer page."""
        return customer_url(row.pk)

    def found_detail(self, row: Any) -> str:
        """Show the name, and the state in words."""
        return ", ".join(filter(None, (row.full_name, state_of(row))))

    @admin.display(description="E-mail address")
    def address(self, user: Any) -> SafeString:
        """Show the address, as a link to the customer page."""
        return format_html('<a href="{}">{}</a>', customer_url(user.pk), user.email)

    @admin.display(description="Name")
    def name(self, user: Any) -> str:
        """Show the full name, or the user name."""
        return str(user.full_name or user.username)

    @admin.display(description="State")
    def state_badge(self, user: Any) -> SafeString:
        """Show the state in words, and until when a lockout lasts."""
        state, until = state_of(user), getattr(user, "locked_out_until", None)
        badge = format_html('<span class="badge {}">{}</span>', BADGES[state], state.capitalize())
        if until is None:
            return badge
        return format_html('{} <span class="badge expired">Locked out until {}</span>', badge, _time(until))

    @admin.display(description="Created")
    def created(self, user: Any) -> datetime:
        """Show when the account was created."""
        moment: datetime = user.created_at
        return moment

    @admin.display(description="Last sign-in")
    def last_sign_in(self, user: Any) -> datetime | None:
        """Show when the owner last signed in."""
        moment: datetime | None = user.last_login
        return moment

    def page_around(self, request: HttpRequest, operation: Operation, row: Any) -> str:
        """Return to the customer page, and to the tab with the button of the operation."""
        return account_links.customer_url(request, row.pk, operation.tab)

    def response_post_save_change(self, request: HttpRequest, obj: Any) -> HttpResponseRedirect:
        """Return to the customer page after the form was saved."""
        return HttpResponseRedirect(customer_url(obj.pk))

    def named(self, row: Any) -> str:
        """Return the name of the account for a message."""
        return f"{'member of staff' if row.is_staff or row.is_superuser else 'customer'} “{row}”"


def customer_url(user_id: int) -> str:
    """Return the URL of an account's customer page."""
    return reverse("admin:customer", args=[user_id])


def add_lockouts(users: Iterable[Any]) -> None:
    """Set `locked_out_until` of each account that is not deleted: the end of its longest lockout, or None."""
    rows = [user for user in users if user.deleted_at is None]
    ends = call_service(_locked_accounts, {user.pk: user.email for user in rows})
    for user in rows:
        user.locked_out_until = ends.get(user.pk)


async def _locked_accounts(accounts: Mapping[int, str]) -> dict[int, datetime]:
    ends: dict[int, datetime] = {}
    for app in app_declarations().values():
        found = await app.locked_accounts(accounts) if app.locked_accounts else {}
        ends |= {user_id: max(end, ends.get(user_id, end)) for user_id, end in found.items()}
    return ends


def _time(moment: datetime) -> str:
    return date_format(moment, MOMENT)
