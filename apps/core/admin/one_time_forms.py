"""Forms that are sent again, and secrets that a form makes and that one page shows once."""

import secrets
import time
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import orjson
from django.conf import settings
from django.core.signing import BadSignature, TimestampSigner
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.middleware.csrf import CSRF_TOKEN_LENGTH

REFERENCE = "csrfmiddlewaretoken"
OPENED_AT = "opened_at"  # in seconds since 1970, in the forms that change something
OWN_REFERENCE = "own_reference"  # a random reference that a page has made
DIFFERS_BY_PAGE = frozenset({REFERENCE, OPENED_AT, OWN_REFERENCE})
SECRET_NAMES = ("password", "secret", "token", "code", "credential")
KEY_BYTES = 32
SHOWN = "shown"  # the parameter of a page that shows a secret
COOKIE = f"{settings.COOKIE_PREFIX}staff_shown_"
SECONDS = 600  # between the redirect and the page
NAME_HEXITS = 16
_ATTRIBUTE = "one_time_key"


def one_time_key(request: HttpRequest) -> str:
    """Return the key of the submitted form, for the idempotency of what it does.

    Its one-time reference is the CSRF token, which every form carries and which Django masks with new random characters
    on each page. The same form with the same values has the same key; the values are part of it, so that a form that
    was edited after going back is another one. A program may send a token that is the same in every form, or none:
    its requests have new keys.
    """
    key: str | None = getattr(request, _ATTRIBUTE, None)
    if key is None:
        key = _key_of(request)
        setattr(request, _ATTRIBUTE, key)
    return key


def now_text() -> str:
    """Return the time for `opened_at` in a form of the page."""
    return f"{time.time():.6f}"


def opened_at(request: HttpRequest) -> float | None:
    """Return when the page of the submitted form was opened; None if the form does not tell."""
    try:
        return float(request.POST.get(OPENED_AT, ""))
    except ValueError:
        return None


def same_form_key(request: HttpRequest) -> str | None:
    """Return the key that the submitted form has on every page that it was opened on; None if it has a secret.

    A form with a secret has none because the key is a digest, by which its values could be guessed.
    """
    if any(is_secret_name(name) for name in request.POST if name != REFERENCE):
        return None
    values = sorted((name, value) for name, value in request.POST.lists() if name not in DIFFERS_BY_PAGE)
    return sha256(orjson.dumps(["same form", request.get_full_path(), values])).hexdigest()


def is_secret_name(name: str) -> bool:
    """Return whether a field of this name has a secret, which is kept nowhere."""
    return any(part in name.lower() for part in SECRET_NAMES)


def redirect_to_shown_once(request: HttpRequest, url: str) -> HttpResponse:
    """Redirect to the page at `url`, which shows once what the service has stored under the form's key.

    The service stores its response, encrypted, with the change itself. The key to it is in a cookie, signed for this
    browser's session: neither the database nor the address, the session's row or the log contains it.
    """
    page = HttpResponseRedirect(f"{url}?{urlencode({SHOWN: _name_of(one_time_key(request))})}")
    allow_to_show(request, page)
    return page


def allow_to_show(request: HttpRequest, response: HttpResponseBase) -> None:
    """Give the browser the key to what its form may show, if the response leads there."""
    key = one_time_key(request)
    name = _name_of(key)
    if response.get("Location", "").endswith(f"{SHOWN}={name}"):
        response.set_cookie(
            f"{COOKIE}{name}",
            _signer(request).sign(key),
            max_age=SECONDS,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Strict",
        )


def shown_key(request: HttpRequest) -> str | None:
    """Return the key to what this page shows once; None in another session, and after ten minutes."""
    name = request.GET.get(SHOWN, "")
    try:
        key = _signer(request).unsign(request.COOKIES.get(f"{COOKIE}{name}", ""), max_age=SECONDS)
    except BadSignature:
        return None
    return key if _name_of(key) == name else None


def _key_of(request: HttpRequest) -> str:
    reference = request.POST.get(REFERENCE, "")
    if len(reference) != CSRF_TOKEN_LENGTH:
        return secrets.token_hex(KEY_BYTES)
    values = sorted(request.POST.lists())
    return sha256(orjson.dumps([reference, request.get_full_path(), values])).hexdigest()


def _name_of(key: str) -> str:
    return sha256(f"shown once {key}".encode()).hexdigest()[:NAME_HEXITS]


def _signer(request: HttpRequest) -> TimestampSigner:
    session: Any = request.session
    return TimestampSigner(salt=f"shown once {session.session_key}")
