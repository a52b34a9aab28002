"""The page that asks for a second factor, between the password and the admin.

Whoever is here is signed in to nothing. What the password has proven waits, for five minutes, behind a one-time token
that only the browser's cookie holds; the session begins when the second factor is proven.
"""

from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from apps.authentication.dependencies import staff_second_step, staff_sessions
from apps.authentication.schemas.login import SecondFactorNeeded
from apps.authentication.services.second_step import EXPIRED
from apps.authentication.services.staff_sessions import StaffSignedIn
from apps.backoffice.admin.browser_session import sign_in_browser
from apps.backoffice.admin.next_page import leading_to, next_page
from apps.backoffice.admin.proof_forms import CodeForm, PasskeyForm, second_factor_form
from apps.backoffice.admin.proof_page import proof_context
from apps.core.errors import NotAuthenticated, TooManyRequests, Unavailable
from apps.core.event_loop.sync_calls import call_service
from apps.core.rate_limits.address_limits import limit_by_address

COOKIE = f"{settings.COOKIE_PREFIX}staff_second_step"
OVER = "over"  # in the address of the sign-in page: the time for the second step is over


def lead_to_second_step(needed: SecondFactorNeeded, following: str) -> HttpResponse:
    """Return the answer that keeps the first step in the browser and leads to the second."""
    answer = HttpResponseRedirect(leading_to("second_step", following))
    answer.set_cookie(
        COOKIE,
        needed.second_factor_token,
        max_age=needed.expires_in,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Strict",
    )
    return answer


def second_step_page(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """Ask for the second factor (GET), or judge it (POST); leads back to the password when the first step is over."""
    token = request.COOKIES.get(COOKIE, "")
    try:
        form = second_factor_form(request.POST) if request.method == "POST" else None
        signed_in = _judge(request, token, form) if form and form.is_valid() else None
        if signed_in:
            return _enter(request, signed_in)
        page = _page(site, request, token, form)
        return form.answer(page) if form else page
    except NotAuthenticated:
        return _back_to_login(request, token)


def _judge(request: HttpRequest, token: str, form: CodeForm | PasskeyForm) -> StaffSignedIn | None:
    """Return the session, or None when the form says why not; raises NotAuthenticated when the first step is over."""
    try:
        call_service(limit_by_address, request, "second-factor")
        if isinstance(form, PasskeyForm):
            return call_service(staff_sessions().with_second_passkey, token, form.payload)
        return call_service(staff_sessions().with_code, token, form.payload.code)
    except (NotAuthenticated, TooManyRequests, Unavailable) as refusal:
        if refusal.public_code == EXPIRED:
            raise
        form.refuse(refusal)
        return None


def _back_to_login(request: HttpRequest, token: str) -> HttpResponse:
    # The address says why: a message would be kept in a session, and anybody could have as many begun as they like.
    why = {OVER: "1"} if token else {}
    return _without_token(HttpResponseRedirect(leading_to("login", next_page(request), **why)))


def _enter(request: HttpRequest, signed_in: StaffSignedIn) -> HttpResponse:
    sign_in_browser(request, signed_in)
    return _without_token(HttpResponseRedirect(next_page(request)))


def _page(site: AdminSite, request: HttpRequest, token: str, form: Any) -> HttpResponse:
    step = staff_second_step()
    kinds = call_service(step.kinds, token)
    context = proof_context(kinds, form, lambda: call_service(step.passkey_options, token))
    context |= {**site.each_context(request), "title": "Second step", "next": next_page(request)}
    request.current_app = site.name
    return TemplateResponse(request, "admin/backoffice/second_step.html", context)


def _without_token(answer: HttpResponse) -> HttpResponse:
    answer.delete_cookie(COOKIE, samesite="Strict")
    return answer
