"""The list and pages of invitations."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from apps.core.admin.operation import Operation
from apps.core.admin.schema_form import SchemaModelForm
from apps.core.admin.service_admin import ServiceAdmin
from apps.core.admin.staff_rights import PageScopes, acting_staff
from apps.core.authorization.catalogue import CUSTOMERS_READ, CUSTOMERS_WRITE, STAFF_MANAGE
from apps.core.authorization.principal import Principal
from apps.core.event_loop import call_service
from apps.users.admin.user_admin import role_choices
from apps.users.dependencies import invitation_service
from apps.users.models import Invitation
from apps.users.schemas.invitation import InvitationCreate

CUSTOMER_FIELDS = ("email", "plan")
STAFF_FIELDS = ("is_staff", "roles")
HISTORY = ("invited_by", "created_at", "expires_at", "accepted_at", "revoked_at", "user")


class InvitationForm(SchemaModelForm):
    """Sends an invitation to a customer."""

    schema = InvitationCreate

    class Meta:
        model = Invitation
        fields: ClassVar = ["email", "plan"]
        labels: ClassVar = {"email": "E-mail address"}
        help_texts: ClassVar = {"plan": "The plan of the new account. Empty: the default plan."}

    def schema_values(self) -> dict[str, Any]:
        """Return the values, with the plan by its name, as API clients send them."""
        values = super().schema_values()
        plan = values.pop("plan", None)
        return {**values, "plan": plan.name} if plan else values


class StaffInvitationForm(InvitationForm):
    """Sends an invitation to a customer or to a colleague: the form of those who manage staff."""

    roles = forms.MultipleChoiceField(
        choices=role_choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="You can give only roles whose scopes you hold. What a role lets its members do is on its page.",
    )

    class Meta(InvitationForm.Meta):
        fields: ClassVar = ["email", "plan", "is_staff"]
        help_texts: ClassVar = {
            **InvitationForm.Meta.help_texts,
            "is_staff": "The person chooses a password by the link in the message, and is led to add a second factor "
            "at the first sign-in to the back office.",
        }


def _resend(actor: Principal, invitation_id: int, _form: Any) -> None:
    call_service(invitation_service().resend, actor, invitation_id)


def _revoke(actor: Principal, invitation_id: int, _form: Any) -> None:
    call_service(invitation_service().revoke, actor, invitation_id)


def _is_open(invitation: Invitation) -> bool:
    return invitation.accepted_at is None and invitation.revoked_at is None


RESEND = Operation(
    name="resend",
    label="Send again",
    title="Send {rows} again",
    done="{rows} sent again",
    explanation="The message is sent again, and the invitation is valid for seven days from now.",
    perform=_resend,
    applies=_is_open,
)
REVOKE = Operation(
    name="revoke",
    label="Revoke",
    title="Revoke {rows}",
    done="{rows} revoked",
    explanation="The invitation and every link to it become invalid.",
    perform=_revoke,
    applies=_is_open,
    is_dangerous=True,
)


def _invites_staff(request: HttpRequest) -> bool:
    return acting_staff(request).has_scope(STAFF_MANAGE)


@admin.register(Invitation)
class InvitationAdmin(ServiceAdmin):
    """Sends, resends and revokes invitations. They cannot be edited."""

    form = InvitationForm
    operations = (RESEND, REVOKE)
    delete_operation = REVOKE
    audit_kind = "invitation"
    linked_fields = ("is_staff",)
    page_scopes = PageScopes((CUSTOMERS_READ,), add=(CUSTOMERS_WRITE,), change=(CUSTOMERS_WRITE,))

    list_display = ("email", "is_staff", "role_list", "plan", "created_at", "expires_at", "accepted_at", "revoked_at")
    list_select_related = ("plan",)
    search_fields = ("email",)
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the invitations with the names of their roles."""
        invitations: QuerySet[Any] = super().get_queryset(request).prefetch_related("roles")
        return invitations

    @admin.display(description="Roles")
    def role_list(self, invitation: Any) -> str:
        """Show the roles that the new account gets."""
        return ", ".join(sorted(role.name for role in invitation.roles.all())) or "none"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the fields of a new invitation, or all of an existing one."""
        if obj:
            return (*CUSTOMER_FIELDS, "is_staff", "role_list", *HISTORY)
        return (*CUSTOMER_FIELDS, *STAFF_FIELDS) if _invites_staff(request) else CUSTOMER_FIELDS

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:
        """Return the form, with fields for rights for those who may give some."""
        if not change and _invites_staff(request):
            options["form"] = StaffInvitationForm
        return super().get_form(request, obj, change=change, **options)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the fields that are not of the form."""
        return ("role_list", *HISTORY) if obj else ()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Deny: invitations cannot be edited."""
        return False

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Offer one button, which says that a message is sent."""
        one_way = {"show_save_and_continue": False, "show_save_and_add_another": False, "save_label": "Send invitation"}
        return super().add_view(request, form_url, {**one_way, **(extra_context or {})})

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """Lead to the list, and say what was sent."""
        sent = f"The invitation was sent to {obj.email}. Its link is valid until {obj.expires_at:%Y-%m-%d %H:%M} UTC."
        self.message_user(request, sent, messages.SUCCESS)
        return self.response_post_save_add(request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Send the invitation through the service."""
        if not change:
            obj.pk = call_service(invitation_service().invite, acting_staff(request), form.payload).id
            obj.refresh_from_db()
