"""The page that finds calls by their request id."""

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django import forms
from django.contrib.admin import AdminSite
from django.contrib.admin.views.main import SEARCH_VAR
from django.contrib.admin.widgets import AdminTextInputWidget
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from apps.core.admin.searched_list import SEALED, opened, sealed, without_secrets
from apps.core.admin.staff_rights import acting_staff
from apps.core.authorization.catalogue import KEYS_READ
from apps.core.event_loop import call_service
from apps.core.values.amounts import amount_text
from apps.verification.dependencies import call_explanations
from apps.verification.services.call_search import REQUEST_ID_LENGTH_MAXIMUM
from apps.verification.services.explanation_sentences import CHECK_LABELS

if TYPE_CHECKING:
    from apps.verification.schemas.explained_call import ExplainedCall


class RequestIdForm(forms.Form):
    """The id of a call. Sent in the body: a customer may have pasted anything."""

    request_id = forms.CharField(
        label="Request id",
        max_length=REQUEST_ID_LENGTH_MAXIMUM,
        widget=AdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="The request_id that the verification of the call was sent with, or has returned.",
    )


def calls_page(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """Show the form, and the calls with the submitted request id (POST), or with the sealed one of an address (GET)."""
    actor = acting_staff(request)
    if not actor.has_scope(KEYS_READ):
        raise PermissionDenied
    form = RequestIdForm(_sent(site, request) if request.method == "POST" else _linked(request))
    calls: list[dict[str, Any]] | None = None
    if form.is_bound and form.is_valid():
        calls = [
            _shown(call) for call in call_service(call_explanations().find, actor, form.cleaned_data["request_id"])
        ]
    context: dict[str, Any] = {**site.each_context(request), "title": "Calls", "form": form, "calls": calls}
    request.current_app = site.name
    return TemplateResponse(request, "admin/backoffice/calls.html", context)


def _shown(call: "ExplainedCall") -> dict[str, Any]:
    amounts = {name: getattr(call, name) for name in ("cost", "balance")}
    texts = {name: None if amount is None else amount_text(amount) for name, amount in amounts.items()}
    after = call.charge.balance_after if call.charge else None
    return {
        "call": call,
        **texts,
        "passed": [CHECK_LABELS[check.name] for check in call.checks if check.passed],
        "not_made": [CHECK_LABELS[check.name] for check in call.checks if check.passed is None],
        "balance_after": None if after is None else amount_text(after),
    }


def url_of_calls(request: HttpRequest, request_id: str) -> str:
    """Return the address of the page with the calls of this request id, for this session alone."""
    return f"{reverse('admin:calls')}?{urlencode({SEARCH_VAR: sealed(request, request_id)}, safe=SEALED)}"


def _sent(site: AdminSite, request: HttpRequest) -> dict[str, str]:
    """Return what was entered, without a key that was pasted by mistake: the database may log the statement."""
    return {"request_id": without_secrets(site, request.POST.get("request_id", ""))}


def _linked(request: HttpRequest) -> dict[str, str] | None:
    request_id = opened(request, request.GET.get(SEARCH_VAR, ""))
    return {"request_id": request_id} if request_id else None
