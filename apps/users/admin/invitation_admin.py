"""The list and pages of invitations."""

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest

from apps.core.admin.operation import Operation
from apps.core.admin.schema_form import SchemaModelForm
from apps.core.admin.service_admin import ServiceAdmin
from apps.core.admin.staff_rights import PageScopes, acting_staff
from apps.core.authorization.catalogue import CUSTOMERS_READ, CUSTOMERS_WRITE
from apps.core.authorization.principal import Principal
from apps.core.event_loop import call_service
from apps.users.dependencies import invitation_service
from apps.users.models import Invitation
from apps.users.schemas.invitation import InvitationCreate

HISTORY = ("invited_by", "created_at", "expires_at", "accepted_at", "revoked_at", "user")


class InvitationForm(SchemaModelForm):
    """Sends an invitation."""

    schema = InvitationCreate

    class Meta:
        model = Invitation
        fields: ClassVar = ["email", "plan"]
        help_texts: ClassVar = {"plan": "The plan of the new account. Empty: the default plan."}

    def schema_values(self) -> dict[str, Any]:
        """Return the values, with the plan by its name, as API clients send them."""
        values = super().schema_values()
        plan = values.pop("plan", None)
        return {**values, "plan": plan.name} if plan else values


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


@admin.register(Invitation)
class InvitationAdmin(ServiceAdmin):
    """Sends, resends and revokes invitations. They cannot be edited."""

    form = InvitationForm
    operations = (RESEND, REVOKE)
    delete_operation = REVOKE
    audit_kind = "invitation"
    page_scopes = PageScopes((CUSTOMERS_READ,), add=(CUSTOMERS_WRITE,), change=(CUSTOMERS_WRITE,))

    list_display = ("email", "plan", "created_at", "expires_at", "accepted_at", "revoked_at")
    list_select_related = ("plan",)
    search_fields = ("email",)
    ordering = ("-id",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the fields of a new invitation, or all of an existing one."""
        return ("email", "plan", *HISTORY) if obj else ("email", "plan")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Deny: invitations cannot be edited."""
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Send the invitation through the service."""
        if not change:
            obj.pk = call_service(invitation_service().invite, acting_staff(request), form.payload).id
            obj.refresh_from_db()
