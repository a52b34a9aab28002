"""The page on which staff who are signed in prove once more who they are (RFC 9470)."""

from collections.abc import Callable, Collection
from typing import Any

import orjson
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from apps.authentication.dependencies import reauthentication
from apps.backoffice.admin.next_page import next_page
from apps.backoffice.admin.proof_forms import CodeForm, PasskeyForm, PasswordForm, second_factor_form
from apps.core.admin.acting_staff import acting_staff
from apps.core.errors import DomainError
from apps.core.event_loop.sync_calls import call_service
from apps.core.rate_limits.address_limits import limit_by_address
from apps.second_factors.dependencies import second_factors
from apps.second_factors.schemas.passkey import PasskeyOptions
from apps.second_factors.schemas.second_factor import FactorKind

CODES = frozenset({FactorKind.TOTP, FactorKind.RECOVERY_CODE})


def proof_page(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """Ask for a second factor, or for the password while there is none (GET), and judge it (POST)."""
    actor = acting_staff(request)
    kinds = call_service(second_factors().kinds_of, actor.owner_id)
    form = _sent_form(request, kinds)
    if form and form.is_valid() and _is_proven(request, form):
        request.session.cycle_key()
        return HttpResponseRedirect(next_page(request))
    context = proof_context(kinds, form, lambda: call_service(reauthentication().passkey_options, actor))
    context |= {**site.each_context(request), "title": "Confirm that it is you", "next": next_page(request)}
    request.current_app = site.name
    page = TemplateResponse(request, "admin/backoffice/proof.html", context)
    return form.answer(page) if form else page


def proof_context(kinds: Collection[FactorKind], form: Any, ask: Callable[[], PasskeyOptions]) -> dict[str, Any]:
    """Return what the page shows: the forms for what the account has, and what the browser is asked for a passkey."""
    context: dict[str, Any] = {"form": form}
    if not kinds:
        context["password_form"] = form if isinstance(form, PasswordForm) else PasswordForm()
    if not CODES.isdisjoint(kinds):
        context["code_form"] = form if isinstance(form, CodeForm) else CodeForm()
    if FactorKind.PASSKEY in kinds:
        asked = ask()
        context["passkey_form"] = PasskeyForm(initial={"challenge": asked.challenge})
        context["passkey_options"] = orjson.dumps(asked.options).decode()
    return context


def _sent_form(request: HttpRequest, kinds: Collection[FactorKind]) -> CodeForm | PasskeyForm | PasswordForm | None:
    if request.method != "POST":
        return None
    return second_factor_form(request.POST) if kinds else PasswordForm(request.POST)


def _is_proven(request: HttpRequest, form: CodeForm | PasskeyForm | PasswordForm) -> bool:
    try:
        call_service(limit_by_address, request, "step-up")
        call_service(reauthentication().confirm, acting_staff(request), form.step_up())
    except DomainError as refusal:
        form.refuse(refusal)
        return False
    return True
