"""The page on which signed-in staff re-authenticate (RFC 9470)."""

from collections.abc import Callable, Collection
from typing import Any

import orjson
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from apps.authentication.dependencies import reauthentication
from apps.backoffice.admin.authentication_forms import CodeForm, PasskeyForm, PasswordForm, second_factor_form
from apps.backoffice.admin.navigation import next_page
from apps.core.admin.staff_rights import acting_staff
from apps.core.errors import DomainError
from apps.core.event_loop import call_service
from apps.core.rate_limits.request_limits import limit_by_address
from apps.second_factors.dependencies import second_factors
from apps.second_factors.schemas.passkey import PasskeyOptions
from apps.second_factors.schemas.second_factor import FactorKind

CODES = frozenset({FactorKind.TOTP, FactorKind.RECOVERY_CODE})


def reauthentication_page(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """Ask for a second factor, or for the password of an account without one (GET), and check it (POST)."""
    actor = acting_staff(request)
    kinds = call_service(second_factors().kinds_of, actor.owner_id)
    form = _sent_form(request, kinds)
    if form and form.is_valid() and _is_confirmed(request, form):
        request.session.cycle_key()
        return HttpResponseRedirect(next_page(request))
    context = authentication_context(kinds, form, lambda: call_service(reauthentication().passkey_options, actor))
    context |= {**site.each_context(request), "title": "Confirm your identity", "next": next_page(request)}
    request.current_app = site.name
    page = TemplateResponse(request, "admin/backoffice/reauthentication.html", context)
    return form.response(page) if form else page


def authentication_context(
    kinds: Collection[FactorKind], form: Any, passkey_options: Callable[[], PasskeyOptions]
) -> dict[str, Any]:
    """Return the context of the page: a form for each of the account's factors, and the options for a passkey."""
    context: dict[str, Any] = {"form": form}
    if not kinds:
        context["password_form"] = form if isinstance(form, PasswordForm) else PasswordForm()
    if not CODES.isdisjoint(kinds):
        context["code_form"] = form if isinstance(form, CodeForm) else CodeForm()
    if FactorKind.PASSKEY in kinds:
        options = passkey_options()
        context["passkey_form"] = PasskeyForm(initial={"challenge": options.challenge})
        context["passkey_options"] = orjson.dumps(options.options).decode()
    return context


def _sent_form(request: HttpRequest, kinds: Collection[FactorKind]) -> CodeForm | PasskeyForm | PasswordForm | None:
    if request.method != "POST":
        return None
    return second_factor_form(request.POST) if kinds else PasswordForm(request.POST)


def _is_confirmed(request: HttpRequest, form: CodeForm | PasskeyForm | PasswordForm) -> bool:
    try:
        call_service(limit_by_address, request, "step-up")
        call_service(reauthentication().confirm, acting_staff(request), form.step_up())
    except DomainError as refusal:
        form.refuse(refusal)
        return False
    return True
