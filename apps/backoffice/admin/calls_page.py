"""The page that finds calls by their request id."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.admin import AdminSite
from django.contrib.admin.widgets import AdminTextInputWidget
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from apps.core.admin.staff_rights import acting_staff
from apps.core.authorization.catalogue import KEYS_READ
from apps.core.event_loop import call_service
from apps.verification.dependencies import call_search
from apps.verification.services.call_search import REQUEST_ID_LENGTH_MAXIMUM

if TYPE_CHECKING:
    from apps.usage.schemas.call import Call


class RequestIdForm(forms.Form):
    """The id of a call. Sent in the body: a customer may have pasted anything."""

    request_id = forms.CharField(
        label="Request id",
        max_length=REQUEST_ID_LENGTH_MAXIMUM,
        widget=AdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="The request_id that the verification of the call was sent with, or has returned.",
    )


def calls_page(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """Show the form (GET), or the calls with the submitted request id as well (POST)."""
    actor = acting_staff(request)
    if not actor.has_scope(KEYS_READ):
        raise PermissionDenied
    form = RequestIdForm(request.POST if request.method == "POST" else None)
    calls: list[Call] | None = None
    if form.is_bound and form.is_valid():
        calls = call_service(call_search().find, actor, form.cleaned_data["request_id"])
    context: dict[str, Any] = {**site.each_context(request), "title": "Calls", "form": form, "calls": calls}
    request.current_app = site.name
    return TemplateResponse(request, "admin/backoffice/calls.html", context)
