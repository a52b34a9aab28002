"""The forms of the admin that change something: each with a row to act on, what is entered, and what is recorded."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import Any
from uuid import uuid4

from django.utils import timezone

from apps.identities.models import Identity
from apps.mail.models import OutgoingMail
from apps.mail.services.rendering import seal
from apps.second_factors.models import Passkey, TotpDevice
from apps.users.models import AccountNote, Invitation, User
from tests.support.factories import PASSWORD, make_approval, make_key, make_plan, make_role, make_user
from tests.support.staff_browser import admin_session

type Ids = Mapping[str, int]

OPERATION = "#operation-form [type=submit]"
SAVE = "[name=_save]"
REASON = "asked for by mail"
NONE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class AdminForm:
    """A form: `make` makes the row that it is about and returns ids for its address.

    `typed` are values by field; `{name}` is a new name. `steps` are the buttons, the last of which does it. `events`
    are the audit events of doing it once.
    """

    name: str
    address: str
    make: Callable[[], Ids]
    events: tuple[str, ...]
    typed: Mapping[str, str] = field(default_factory=lambda: {"reason": REASON})
    steps: tuple[str, ...] = (OPERATION,)

    def __str__(self) -> str:
        return self.name


def new_name() -> str:
    """Return a name that no row has."""
    return f"n{uuid4().hex[:12]}"


# --- the rows -------------------------------------------------------------------------------------------------------


def nothing() -> Ids:
    return {}


def customer(**fields: Any) -> Ids:
    name = new_name()
    return {"user": make_user(email=f"{name}@example.com", username=name, **fields).pk}


def staff(**fields: Any) -> Ids:
    return customer(is_staff=True, is_superuser=True, **fields)


def _suspended() -> Ids:
    return customer(is_active=False)


def _locked() -> Ids:
    return customer(locked_until=timezone.now() + timedelta(hours=1))


def _deleted() -> Ids:
    return customer(deleted_at=timezone.now())


def _with_app() -> Ids:
    ids = customer(email_verified_at=timezone.now())
    TotpDevice.objects.create(user_id=ids["user"], secret_encrypted=b"x", confirmed_at=timezone.now())
    return ids


def with_passkey(ids: Ids | None = None) -> Ids:
    ids = ids or customer(email_verified_at=timezone.now())
    passkey = Passkey.objects.create(
        user_id=ids["user"], user_handle=b"x" * 64, name="laptop", credential_id=new_name().encode(), public_key=b"x",
        aaguid="00000000-0000-0000-0000-000000000000", sign_count=0, is_backup_eligible=False, is_backed_up=False,
    )  # fmt: skip
    return {**ids, "passkey": passkey.pk}


def _with_identity() -> Ids:
    ids = customer(password=PASSWORD)  # another way to sign in
    identity = Identity.objects.create(
        user_id=ids["user"], provider="acme", issuer="https://acme.example", subject=new_name(), email="a@example.com"
    )
    return {**ids, "identity": identity.pk}


def _with_session() -> Ids:
    ids = customer()
    return {**ids, "session": admin_session(User.objects.get(pk=ids["user"])).pk}


def _with_key(**fields: Any) -> Ids:
    ids = customer()
    return {**ids, "key": make_key(User.objects.get(pk=ids["user"]), **fields).id}


def expiring() -> Ids:
    return _with_key(expires_at=timezone.now() + timedelta(days=900))


def pending() -> Ids:
    user, colleague = User.objects.get(pk=customer()["user"]), User.objects.get(pk=staff()["user"])
    return {"user": user.pk, "approval": make_approval(user, colleague).pk}


def _invited() -> Ids:
    end = timezone.now() + timedelta(days=1)
    return {"invitation": Invitation.objects.create(email=f"{new_name()}@example.com", expires_at=end).pk}


def _with_note() -> Ids:
    ids = customer()
    return {**ids, "note": AccountNote.objects.create(user_id=ids["user"], text="Calls on Mondays.").pk}


def role() -> Ids:
    return {"role": make_role("keys:read", name=new_name()).pk}


def plan() -> Ids:
    return {"plan": make_plan(("minute", 60, 60), name=new_name()).pk}


def failed_mail() -> Ids:
    now = timezone.now()
    mail = OutgoingMail.objects.create(
        kind="registered_already", recipient=f"{new_name()}@example.com", key=new_name(), failed_at=now, attempts=9,
        context_encrypted=seal({"link": "http://keyhouse.localhost"}), expires_at=now + timedelta(days=1), due_at=now,
    )  # fmt: skip
    return {"mail": mail.pk}


# --- the forms ------------------------------------------------------------------------------------------------------

USER, KEY = "/admin/users/user", "/admin/api_keys/apikey"

FORMS = (
    AdminForm(
        "user.change_plan", f"{USER}/change_plan/?id={{user}}", customer, ("user.plan_changed",),
        {"plan": "pro", "reason": REASON},
    ),
    AdminForm("user.activate", f"{USER}/activate/?id={{user}}", _suspended, ("user.reactivated",)),
    AdminForm("user.deactivate", f"{USER}/deactivate/?id={{user}}", customer, ("user.suspended",)),
    AdminForm("user.delete", f"{USER}/{{user}}/delete/", customer, ("user.deleted",)),
    AdminForm("user.restore", f"{USER}/restore/?id={{user}}", _deleted, ("user.restored",)),
    AdminForm("user.unlock", f"{USER}/unlock/?id={{user}}", _locked, ("account.unlocked",)),
    AdminForm("user.send_verification", f"{USER}/send_verification/?id={{user}}", customer, ("user.verification_sent",)),
    AdminForm("user.end_all_sessions", f"{USER}/end_all_sessions/?id={{user}}", _with_session, ("sessions.ended",)),
    AdminForm("user.send-password-reset", f"{USER}/send-password-reset/?id={{user}}", customer, ("password.reset_sent",)),
    AdminForm("user.remove_totp", f"{USER}/remove_totp/?id={{user}}", _with_app, ("second_factor.removed",)),
    AdminForm("user.reset_second_factors", f"{USER}/reset_second_factors/?id={{user}}", _with_app, ("second_factors.reset",)),
    AdminForm(
        "user.add", f"{USER}/add/", nothing, ("user.created",),
        {"email": "{name}@example.com", "username": "{name}", "password": "a lamp beside the window"}, (SAVE,),
    ),
    AdminForm(
        "user.change", f"{USER}/{{user}}/change/", customer, ("user.updated",),
        {"full_name": "Ann Lee", "roles": "support", "reason": REASON}, (SAVE,),
    ),
    AdminForm(
        "apikey.add", f"{KEY}/add/?user={{user}}", customer, ("api_key.created",), {"name": "{name}", "reason": REASON},
        (SAVE,),
    ),
    AdminForm(
        "apikey.change", f"{KEY}/{{key}}/change/", _with_key, ("api_key.updated",), {"is_active": "", "reason": REASON},
        (SAVE,),
    ),
    AdminForm(
        "apikey.extend", f"{KEY}/extend/?id={{key}}", expiring, ("api_key.updated",), {"days": "90", "reason": REASON}
    ),
    AdminForm(
        "apikey.rotate", f"{KEY}/rotate/?id={{key}}", _with_key, ("api_key.rotated",),
        {"grace_seconds": "3600", "reason": REASON},
    ),
    AdminForm("apikey.revoke", f"{KEY}/revoke/?id={{key}}", _with_key, ("api_key.revoked",)),
    AdminForm("apikey.delete", f"{KEY}/delete/?id={{key}}", _with_key, ("api_key.deleted",)),
    AdminForm(
        "creditbalance.post", "/admin/credits/creditbalance/post/?id={user}", customer, ("credits.posted",),
        {"amount": "12.50", "type": "goodwill", "description": "Sorry", "reason": REASON}, (OPERATION, OPERATION),
    ),
    AdminForm(
        "creditapproval.approve", "/admin/credits/creditapproval/approve/?id={approval}", pending,
        ("credits.posted", "credit_approval.approved"),
    ),
    AdminForm(
        "creditapproval.refuse", "/admin/credits/creditapproval/refuse/?id={approval}", pending,
        ("credit_approval.refused",),
    ),
    AdminForm("identity.unlink", "/admin/identities/identity/{identity}/delete/", _with_identity, ("identity.unlinked",)),
    AdminForm("session.end", "/admin/authentication/session/end/?id={session}", _with_session, ("session.ended",)),
    AdminForm(
        "session.end_everywhere", "/admin/authentication/session/end_everywhere/?id={session}", _with_session,
        ("sessions.ended",),
    ),
    AdminForm("passkey.remove", "/admin/second_factors/passkey/remove/?id={passkey}", with_passkey, ("second_factor.removed",)),
    AdminForm(
        "invitation.add", "/admin/users/invitation/add/", nothing, ("invitation.sent",), {"email": "{name}@example.com"},
        (SAVE,),
    ),
    AdminForm("invitation.resend", "/admin/users/invitation/resend/?id={invitation}", _invited, ("invitation.resent",)),
    AdminForm("invitation.revoke", "/admin/users/invitation/revoke/?id={invitation}", _invited, ("invitation.revoked",)),
    AdminForm(
        "role.add", "/admin/users/role/add/", nothing, ("role.created",), {"name": "{name}", "scopes": "keys:read"},
        (SAVE,),
    ),
    AdminForm(
        "role.change", "/admin/users/role/{role}/change/", role, ("role.updated",), {"scopes": "credits:hold"}, (SAVE,)
    ),
    AdminForm("role.delete", "/admin/users/role/{role}/delete/", role, ("role.deleted",)),
    AdminForm("plan.add", "/admin/plans/plan/add/", nothing, ("plan.created",), {"name": "{name}"}, (SAVE,)),
    AdminForm(
        "plan.change", "/admin/plans/plan/{plan}/change/", plan, ("plan.updated",),
        {"api_keys_maximum": "7", "reason": REASON}, (SAVE, "#preview-form [type=submit]"),
    ),
    AdminForm("plan.delete", "/admin/plans/plan/{plan}/delete/", plan, ("plan.deleted",)),
    AdminForm("outgoingmail.send_again", "/admin/mail/outgoingmail/send_again/?id={mail}", failed_mail, ("mail.sent_again",)),
    AdminForm(
        "note.add", "/admin/customers/{user}/notes/", customer, ("account_note.added",), {"text": "Calls on Mondays."},
        (".customer-note-form button",),
    ),
    AdminForm(
        "note.delete", "/admin/customers/{user}/notes/", _with_note, ("account_note.deleted",), NONE,
        ("button[name=delete]",),
    ),
)  # fmt: skip
