"""The page that asks for a second factor, between the password and the admin.

The browser is not signed in yet. The verified password is kept for five minutes behind a one-time token that only the
browser's cookie holds; the session begins when the second factor is verified.
"""

from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from apps.authentication.dependencies import staff_second_step, staff_sessions
from apps.authentication.schemas.login import SecondFactorNeeded
from apps.authentication.services.second_step import SecondFactorExpired
from apps.authentication.services.staff_sessions import StaffSignedIn
from apps.backoffice.admin.authentication_forms import CodeForm, PasskeyForm, second_factor_form
from apps.backoffice.admin.browser_session import sign_in_browser
from apps.backoffice.admin.navigation import next_page, url_with_next
from apps.backoffice.admin.reauthentication_page import authentication_context
from apps.core.errors import NotAuthenticated, PasskeyRefused, TooManyRequests, Unavailable, WrongCode
from apps.core.event_loop import call_service
from apps.core.rate_limits.request_limits import limit_by_address

COOKIE = f"{settings.COOKIE_PREFIX}staff_second_step"
SECOND_STEP_EXPIRED = "expired"  # a query parameter of the login page


def redirect_to_second_step(needed: SecondFactorNeeded, following: str) -> HttpResponse:
    """Return the redirect to the second step, with the cookie that holds its token."""
    response = HttpResponseRedirect(url_with_next("second_step", following))
    response.set_cookie(
        COOKIE,
        needed.second_factor_token,
        max_age=needed.expires_in,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Strict",
    )
    return response


def second_step_page(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """Ask for the second factor (GET), or check it (POST); redirects to the login page when the token has expired."""
    token = request.COOKIES.get(COOKIE, "")
    try:
        form = second_factor_form(request.POST) if request.method == "POST" else None
        signed_in = _checked(request, token, form) if form and form.is_valid() else None
        if signed_in:
            return _enter(request, signed_in)
        page = _page(site, request, token, form)
        return form.response(page) if form else page
    except NotAuthenticated:
        return _back_to_login(request, token)


def _checked(request: HttpRequest, token: str, form: CodeForm | PasskeyForm) -> StaffSignedIn | None:
    """Return the session, or None if the factor was refused; raises NotAuthenticated for an expired token."""
    try:
        call_service(limit_by_address, request, "second-factor")
        if isinstance(form, PasskeyForm):
            return call_service(staff_sessions().with_second_passkey, token, form.payload)
        return call_service(staff_sessions().with_code, token, form.payload.code)
    except SecondFactorExpired:
        raise
    except (NotAuthenticated, WrongCode, PasskeyRefused, TooManyRequests, Unavailable) as refusal:
        form.refuse(refusal)
        return None


def _back_to_login(request: HttpRequest, token: str) -> HttpResponse:
    # The reason is in the URL: a message would need a session, and any client could create any number of sessions.
    reason = {SECOND_STEP_EXPIRED: "1"} if token else {}
    return _without_token(HttpResponseRedirect(url_with_next("login", next_page(request), **reason)))


def _enter(request: HttpRequest, signed_in: StaffSignedIn) -> HttpResponse:
    sign_in_browser(request, signed_in)
    return _without_token(HttpResponseRedirect(next_page(request)))


def _page(site: AdminSite, request: HttpRequest, token: str, form: Any) -> HttpResponse:
    step = staff_second_step()
    kinds = call_service(step.kinds, token)
    context = authentication_context(kinds, form, lambda: call_service(step.passkey_options, token))
    context |= {**site.each_context(request), "title": "Second step", "next": next_page(request)}
    request.current_app = site.name
    return TemplateResponse(request, "admin/backoffice/second_step.html", context)


def _without_token(response: HttpResponse) -> HttpResponse:
    response.delete_cookie(COOKIE, samesite="Strict")
    return response
