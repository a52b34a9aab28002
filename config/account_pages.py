"""`/account/…`: the plain pages that links in mail lead to where no application of the operator's has pages of its own.

Each is a form over one operation of the API. What stands behind `#` in the link never reaches a server by itself: the
page's script puts it into the form, and sends it when its reader says so, so that no mail scanner spends a token.
"""

from collections.abc import Mapping
from typing import NamedTuple

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.core.values.api_path import API_PATH


class Field(NamedTuple):
    """A field of the form, under its name in the API; a hidden one comes from the link."""

    name: str
    kind: str = "hidden"
    label: str = ""
    autocomplete: str = "off"
    is_fixed: bool = False


class AccountPage(NamedTuple):
    """A page: what it says, the operation it asks, and what is said when that is done."""

    title: str
    text: str
    action: str
    button: str
    done: str
    fields: tuple[Field, ...] = (Field("token"),)
    pending: str = ""


NEW_PASSWORD = Field("new_password", "password", "New password", "new-password")
EMAIL = Field("email", "email", "E-mail address", "email")
FORGOT_PASSWORD = AccountPage(
    title="Set a new password",
    text="If there is an account with this address, a mail with a link that sets a new password is sent to it.",
    action="auth/forgot-password",
    button="Send the mail",
    done="If there is an account with this address, the mail is on its way.",
    fields=(EMAIL,),
)
PAGES: Mapping[str, AccountPage] = {
    "verify-email": AccountPage(
        title="Confirm your e-mail address",
        text="The address that this link was sent to becomes the confirmed address of the account. "
        "If it was not you who made the account, leave this page.",
        action="auth/verify-email",
        button="Confirm",
        done="Your e-mail address is confirmed.",
    ),
    "confirm-registration": AccountPage(
        title="Confirm your registration",
        text="Your account is made when you type the password that you chose when you signed up. "
        "If it was not you who signed up, leave this page: then there will be no account.",
        action="auth/confirm-registration",
        button="Make the account",
        done="Your account is ready: sign in.",
        fields=(Field("token"), Field("password", "password", "Password", "current-password")),
    ),
    "confirm-email": AccountPage(
        title="Confirm the change of your address",
        text="The change is made when both addresses are confirmed, the old and the new one, by links in mails.",
        action="auth/confirm-email",
        button="Confirm",
        done="Your e-mail address has been changed.",
        pending="Confirmed here. Now follow the link in the mail to your other address.",
    ),
    "cancel-email-change": AccountPage(
        title="Keep your e-mail address",
        text="The change of the address is called off. If it was not you who asked for it, set a new password too.",
        action="auth/cancel-email-change",
        button="Keep it",
        done="Your e-mail address stays as it is.",
    ),
    "forgot-password": FORGOT_PASSWORD,
    "security": FORGOT_PASSWORD._replace(
        title="Is somebody else in your account?",
        text="A new password signs everybody out. Ask for the mail with the link that sets it.",
    ),
    "reset-password": AccountPage(
        title="Set a new password",
        text="Every session of the account ends.",
        action="auth/reset-password",
        button="Set it",
        done="Your password is set: sign in with it.",
        fields=(Field("token"), NEW_PASSWORD),
    ),
    "sign-up": AccountPage(
        title="Make an account",
        text="You have been invited.",
        action="users",
        button="Make the account",
        done="Your account is ready: sign in.",
        fields=(
            Field("invitation"),
            EMAIL._replace(is_fixed=True),
            Field("username", "text", "User name", "username"),
            Field("password", "password", "Password", "new-password"),
        ),
    ),
}


@require_safe
async def account_page(request: HttpRequest, name: str) -> HttpResponse:
    """Serve the page; raises Http404 where there is none of this name."""
    page = PAGES.get(name)
    if page is None:
        raise Http404
    context = {"page": page, "action": f"{API_PATH}/{page.action}", "product_name": settings.PRODUCT_NAME}
    return render(request, "account/page.html", context)
