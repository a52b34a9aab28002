"""The forms of the admin that change something: each with a row to act on, what is entered, and what is recorded."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
from tests.support.server import ADMINISTRATOR_EMAIL
from tests.support.staff_browser import admin_session

type Ids = Mapping[str, int]

OPERATION = "#operation-form [type=submit]"
SAVE = "[name=_save]"
REASON = "asked for by mail"
NO_ROWS: Ids = MappingProxyType({})


@dataclass(frozen=True)
class AdminForm:
    """A form: `make` makes the row that it is about and returns ids for its address.

    `typed` are values by field; `{name}` is a new name. `steps` are the buttons, the last of which does it. `events`
    are the audit events of doing it once, and `rows` how many rows of which models it makes.
    """

    name: str
    address: str
    make: Callable[[], Ids]
    events: tuple[str, ...]
    typed: Mapping[str, str]
    steps: tuple[str, ...] = (OPERATION,)
    rows: Ids = NO_ROWS

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
    return {"user": make_user(**{"email": f"{name}@example.com", "username": name, **fields}).pk}


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


def with_identity() -> Ids:
    ids = customer(password=PASSWORD)  # another way to sign in
    identity = Identity.objects.create(
        user_id=ids["user"], provider="acme", issuer="https://acme.example", subject=new_name(), email="a@example.com"
    )
    return {**ids, "identity": identity.pk}


def with_session() -> Ids:
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


def own_pending() -> Ids:
    """Make a posting that the administrator has asked for."""
    user, administrator = User.objects.get(pk=customer()["user"]), User.objects.get(email=ADMINISTRATOR_EMAIL)
    return {"user": user.pk, "approval": make_approval(user, administrator).pk}


def invited() -> Ids:
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

# The list with the operations of a model, and which id of the row they take.
LISTS = {
    "user": ("users/user", "user"),
    "apikey": ("api_keys/apikey", "key"),
    "creditbalance": ("credits/creditbalance", "user"),
    "creditapproval": ("credits/creditapproval", "approval"),
    "session": ("authentication/session", "session"),
    "passkey": ("second_factors/passkey", "passkey"),
    "identity": ("identities/identity", "identity"),
    "invitation": ("users/invitation", "invitation"),
    "role": ("users/role", "role"),
    "plan": ("plans/plan", "plan"),
    "outgoingmail": ("mail/outgoingmail", "mail"),
}
MAIL = {"OutgoingMail": 1}


def _operation(name: str, make: Callable[[], Ids], /, *events: str, rows: Ids = NO_ROWS, **typed: str) -> AdminForm:
    """Return the form of an operation, which asks for a reason."""
    model, _, operation = name.partition(".")
    path, row = LISTS[model]
    address = f"/admin/{path}/{operation}/?id={{{row}}}"
    return AdminForm(name, address, make, events, {**typed, "reason": REASON}, rows=rows)


def _page(name: str, make: Callable[[], Ids], event: str, /, *, rows: Ids = NO_ROWS, **typed: str) -> AdminForm:
    """Return the form of a new row, or of an existing one."""
    model, _, kind = name.partition(".")
    path, row = LISTS[model]
    address = f"/admin/{path}/{'' if kind == 'add' else f'{{{row}}}/'}{kind}/"
    return AdminForm(name, address, make, (event,), typed, (SAVE,), rows)


def _note(name: str, make: Callable[[], Ids], event: str, button: str, number: int, **typed: str) -> AdminForm:
    address = "/admin/customers/{user}/notes/"
    return AdminForm(name, address, make, (event,), typed, (button,), {"AccountNote": number})


OF_ACCOUNTS = (
    _operation("user.change_plan", customer, "user.plan_changed", plan="pro"),
    _operation("user.activate", _suspended, "user.reactivated"),
    _operation("user.deactivate", customer, "user.suspended"),
    _operation("user.delete", customer, "user.deleted", rows=MAIL),
    _operation("user.restore", _deleted, "user.restored"),
    _operation("user.unlock", _locked, "account.unlocked"),
    _operation("user.send_verification", customer, "user.verification_sent", rows=MAIL),
    _operation("user.end_all_sessions", with_session, "sessions.ended"),
    _operation("user.send-password-reset", customer, "password.reset_sent", rows=MAIL),
    _operation("user.remove_totp", _with_app, "second_factor.removed", rows={**MAIL, "TotpDevice": -1}),
    _operation("user.reset_second_factors", _with_app, "second_factors.reset", rows={**MAIL, "TotpDevice": -1}),
    _page(
        "user.add", nothing, "user.created", rows={**MAIL, "User": 1},
        email="{name}@example.com", username="{name}", password="a lamp beside the window",
    ),
    _page("user.change", customer, "user.updated", full_name="Ann Lee", roles="support", reason=REASON),
    _operation("session.end", with_session, "session.ended"),
    _operation("session.end_everywhere", with_session, "sessions.ended"),
    _operation("passkey.remove", with_passkey, "second_factor.removed", rows={**MAIL, "Passkey": -1}),
    _operation("identity.unlink", with_identity, "identity.unlinked", rows=MAIL),
    _operation("invitation.resend", invited, "invitation.resent", rows=MAIL),
    _operation("invitation.revoke", invited, "invitation.revoked"),
    _page("invitation.add", nothing, "invitation.sent", rows={**MAIL, "Invitation": 1}, email="{name}@example.com"),
    _note("note.add", customer, "account_note.added", ".customer-note-form button", 1, text="Calls on Mondays."),
    _note("note.delete", _with_note, "account_note.deleted", "button[name=delete]", -1),
)  # fmt: skip
OF_KEYS_AND_CREDITS = (
    AdminForm(
        "apikey.add", "/admin/api_keys/apikey/add/?user={user}", customer, ("api_key.created",),
        {"name": "{name}", "reason": REASON}, (SAVE,), {**MAIL, "ApiKey": 1, "ApiKeySecret": 1},
    ),
    _page("apikey.change", _with_key, "api_key.updated", is_active="", reason=REASON),
    _operation("apikey.extend", expiring, "api_key.updated", rows=MAIL, days="90"),
    _operation("apikey.rotate", _with_key, "api_key.rotated", rows={**MAIL, "ApiKeySecret": 1}, grace_seconds="3600"),
    _operation("apikey.revoke", _with_key, "api_key.revoked"),
    _operation("apikey.delete", _with_key, "api_key.deleted"),
    AdminForm(
        "creditbalance.post", "/admin/credits/creditbalance/post/?id={user}", customer, ("credits.posted",),
        {"amount": "12.50", "type": "goodwill", "description": "Sorry", "reason": REASON}, (OPERATION, OPERATION),
        {"CreditTransaction": 1},
    ),
    _operation(
        "creditapproval.approve", pending, "credits.posted", "credit_approval.approved",
        rows={**MAIL, "CreditTransaction": 1},
    ),
    _operation("creditapproval.refuse", pending, "credit_approval.refused", rows=MAIL),
    _operation("creditapproval.withdraw", own_pending, "credit_approval.withdrawn"),
)  # fmt: skip
OF_THE_SERVICE = (
    _page("role.add", nothing, "role.created", rows={"Role": 1}, name="{name}", scopes="keys:read"),
    _page("role.change", role, "role.updated", scopes="credits:hold", reason=REASON),
    _operation("role.delete", role, "role.deleted", rows={"Role": -1}),
    _page("plan.add", nothing, "plan.created", rows={"Plan": 1}, name="{name}"),
    AdminForm(
        "plan.change", "/admin/plans/plan/{plan}/change/", plan, ("plan.updated",),
        {"api_keys_maximum": "7", "reason": REASON}, (SAVE, "#preview-form [type=submit]"),
    ),
    _operation("plan.delete", plan, "plan.deleted", rows={"Plan": -1}),
    _operation("outgoingmail.send_again", failed_mail, "mail.sent_again"),
)  # fmt: skip
FORMS = (*OF_ACCOUNTS, *OF_KEYS_AND_CREDITS, *OF_THE_SERVICE)
