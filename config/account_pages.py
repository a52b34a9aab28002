"""`/account/…`: the pages that links in messages lead to, unless the operator's application has its own pages.

Each is a form for one operation of the API. Browsers do not send what follows `#` in a link: the page's script fills it
into the form, which only the user submits, so that mail scanners do not spend the token.
"""

from collections.abc import Mapping
from typing import NamedTuple

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.core.values.api_contract import API_PATH


class Field(NamedTuple):
    """A field of the form, by its name in the API. The value of a hidden field is in the link."""

    name: str
    kind: str = "hidden"
    label: str = ""
    autocomplete: str = "off"
    is_fixed: bool = False


class AccountPage(NamedTuple):
    """A page: its texts, the path of the operation it calls, and the message after success."""

    title: str
    text: str
    action: str
    button: str
    done: str
    fields: tuple[Field, ...] = (Field("token"),)
    pending: str = ""
    # Sends the form when it is opened: only for operations that change nothing.
    sends_itself: bool = False
    # Offers a link that sets a new password, to a reader who does not know the account's.
    asks_password: bool = False
    # Shows new members of staff the way to the admin.
    leads_staff_on: bool = False


NEW_PASSWORD = Field("new_password", "password", "New password", "new-password")
PASSWORD = Field("password", "password", "Password", "current-password")
EMAIL = Field("email", "email", "E-mail address", "email")
FORGOT_PASSWORD = AccountPage(
    title="Set a new password",
    text="If an account has this address, we send a link that sets a new password to it.",
    action="auth/forgot-password",
    button="Send the link",
    done="If an account has this address, we have sent the link to it.",
    fields=(EMAIL,),
)
PAGES: Mapping[str, AccountPage] = {
    "verify-email": AccountPage(
        title="Confirm your e-mail address",
        text="Enter the password of your account to confirm that this address is yours. "
        "If you did not create the account, close this page.",
        action="auth/verify-email",
        button="Confirm",
        done="Your e-mail address is confirmed.",
        fields=(Field("token"), PASSWORD),
        asks_password=True,
    ),
    "confirm-registration": AccountPage(
        title="Confirm your registration",
        text="Enter the password that you chose when you registered, to create your account. "
        "If you did not register, close this page: no account is created.",
        action="auth/confirm-registration",
        button="Create the account",
        done="Your account is ready. Sign in.",
        fields=(Field("token"), PASSWORD),
    ),
    "confirm-email": AccountPage(
        title="Confirm your new e-mail address",
        text="The address changes when the links in the messages to the old and the new address are both confirmed.",
        action="auth/confirm-email",
        button="Confirm",
        done="Your e-mail address has been changed.",
        pending="Confirmed. Now open the link in the message to your other address.",
    ),
    "confirm-new-email": AccountPage(
        title="Confirm your new e-mail address",
        text="Enter the password of your account to confirm that this address is yours. The address changes when the "
        "link in the message to the old one is confirmed too. If you did not request it, close this page.",
        action="auth/confirm-email",
        button="Confirm",
        done="Your e-mail address has been changed.",
        pending="Confirmed. Now open the link in the message to your other address.",
        fields=(Field("token"), PASSWORD),
    ),
    "cancel-email-change": AccountPage(
        title="Keep your e-mail address",
        text="This cancels the change of your e-mail address. If you did not request it, also set a new password.",
        action="auth/cancel-email-change",
        button="Keep my address",
        done="The change is cancelled. Your e-mail address stays the same.",
    ),
    "forgot-password": FORGOT_PASSWORD,
    "security": FORGOT_PASSWORD._replace(
        title="Secure your account",
        text="If another person has access to your account, set a new password. It ends every session. "
        "We send a link to your address by mail. Then check your sessions, passkeys and linked providers in the "
        "application in which you sign in.",
    ),
    "reset-password": AccountPage(
        title="Set a new password",
        text="Every session of the account will end.",
        action="auth/reset-password",
        button="Set the password",
        done="Your password is set. Sign in with it.",
        fields=(Field("token"), NEW_PASSWORD),
    ),
    "api-keys": AccountPage(
        title="Your API keys",
        text="Revoke the keys that you do not know or no longer need: programs that use them stop working at once.",
        action="auth/api-keys/review",
        button="Show the keys",
        done="",
        sends_itself=True,
    ),
    "sign-up": AccountPage(
        title="Create an account",
        text="Choose a user name and a password to accept the invitation.",
        action="users",
        button="Create the account",
        done="Your account is ready. Sign in.",
        fields=(
            Field("invitation"),
            EMAIL._replace(is_fixed=True),
            Field("username", "text", "User name", "username"),
            Field("password", "password", "Password", "new-password"),
        ),
        leads_staff_on=True,
    ),
}


@require_safe
async def account_page(request: HttpRequest, name: str) -> HttpResponse:
    """Serve the page; raises Http404 when no page has this name."""
    page = PAGES.get(name)
    if page is None:
        raise Http404
    context = {"page": page, "api": API_PATH, "product_name": settings.PRODUCT_NAME}
    return render(request, "account/page.html", context)
