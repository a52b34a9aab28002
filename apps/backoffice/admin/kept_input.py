"""What a person has typed survives re-authentication and an ended session: the form comes back filled, to be sent.

The fields are stored encrypted, for a day, and can be read only by the same person, with the key in a cookie of this
browser. Passwords, codes and API keys are never among them.
"""

import secrets
from collections.abc import Callable
from functools import wraps
from hashlib import sha256
from http import HTTPStatus
from typing import Any

import orjson
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.urls import reverse

from apps.api_keys.services import key_format
from apps.backoffice.admin.navigation import url_with_next
from apps.core.admin.kept_forms import kept_input
from apps.core.admin.one_time_forms import OPENED_AT, REFERENCE, is_secret_name
from apps.core.admin.staff_rights import acting_staff
from apps.core.authorization.principal import Principal, owner_of
from apps.core.errors import StepUpRequired
from apps.core.event_loop import call_service
from apps.idempotency.dependencies import one_time_forms

COOKIE = f"{settings.COOKIE_PREFIX}staff_kept_form"
SECONDS = 3600
TOKEN_BYTES = 32
BYTES_MAXIMUM = 64 * 1024
FORM_PAGES = ("_add", "_change", "_delete", "_notes", "_selected")  # the ends of the names of pages with such forms
IS_BACK = "Your input is back. Check it, then send it."


def keeps_input[V: Callable[..., HttpResponseBase]](view: V) -> V:
    """Return the view of a page, whose form survives a sign-in or re-authentication that it needs first."""

    @wraps(view)
    def page(request: HttpRequest, *args: Any, **options: Any) -> HttpResponseBase:
        if request.method != "POST":
            return _filled(request, lambda: view(request, *args, **options))
        person = _person(request)
        try:
            response = view(request, *args, **options)
        except StepUpRequired:
            response = HttpResponseRedirect(url_with_next("reauthentication", request.get_full_path()))
            _keep(request, response, person)
            return response
        if _leads_to_login(response):
            _keep(request, response, person)
        elif _token(request):
            _forget(response)
        return response

    return page  # type: ignore[return-value]  # it has the arguments of the view


def keep_and_return(request: HttpRequest) -> HttpResponse | None:
    """Return the redirect to the page of the form that was sent, which comes back filled; None if it is not kept."""
    response = HttpResponseRedirect(request.get_full_path())
    _keep(request, response, acting_staff(request))
    return response if COOKIE in response.cookies else None


def _person(request: HttpRequest) -> Principal | None:
    """Return the owner of the browser's session, also if the session has ended."""
    user_id = request.session.get(SESSION_KEY)
    return owner_of(int(user_id)) if user_id else None


def _keep(request: HttpRequest, response: HttpResponseBase, person: Principal | None) -> None:
    match = request.resolver_match
    if person is None or match is None or not str(match.url_name).endswith(FORM_PAGES):
        return
    content = orjson.dumps(_kept_fields(request.POST)).decode()
    if len(content) > BYTES_MAXIMUM:
        return
    token = secrets.token_urlsafe(TOKEN_BYTES)
    call_service(one_time_forms().remember, person, token, content)
    response.set_cookie(
        COOKIE,
        f"{_mark(request)}.{token}",
        max_age=SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Strict",
    )


def _filled(request: HttpRequest, view: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    token = _token(request)
    if not token or not request.user.is_authenticated:
        return view()
    content = call_service(one_time_forms().recall, acting_staff(request), token)
    if content is None:
        return view()
    fields = QueryDict(mutable=True)
    for name, values in orjson.loads(content).items():
        fields.setlist(name, values)
    messages.info(request, IS_BACK)
    with kept_input(fields):
        return view()


def _kept_fields(fields: QueryDict) -> dict[str, list[str]]:
    own = {REFERENCE, OPENED_AT}
    return {name: values for name, values in fields.lists() if name not in own and not _is_secret(name, values)}


def _is_secret(name: str, values: list[Any]) -> bool:
    is_key = any(key_format.KEY_START in str(value) for value in values)
    return is_key or is_secret_name(name)


def _token(request: HttpRequest) -> str:
    """Return the key to what was typed on this page, or an empty string."""
    mark, _, token = request.COOKIES.get(COOKIE, "").partition(".")
    return token if mark == _mark(request) else ""


def _mark(request: HttpRequest) -> str:
    return sha256(request.get_full_path().encode()).hexdigest()[:16]


def _forget(response: HttpResponseBase) -> None:
    response.delete_cookie(COOKIE, samesite="Strict")


def _leads_to_login(response: HttpResponseBase) -> bool:
    return response.status_code == HTTPStatus.FOUND and response["Location"].startswith(reverse("admin:login"))
