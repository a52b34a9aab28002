"""The page that lists and ends the sessions of one's own account, of the API and the admin."""

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from apps.authentication.dependencies import account_sessions, session_service
from apps.core.admin.form_fields import parse_row_id
from apps.core.admin.staff_rights import acting_staff
from apps.core.authorization.principal import Principal
from apps.core.errors import NotFound
from apps.core.event_loop import call_service
from apps.core.schemas.page import PAGE_SIZE_MAXIMUM, PageQuery

OTHERS = "others"


def own_sessions(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """List the sessions (GET), or end the one that `session` names, or with `session=others` all others (POST)."""
    actor = acting_staff(request)
    if request.method == "POST":
        _end(request, actor, request.POST.get("session", ""))
        return HttpResponseRedirect(reverse("admin:own_sessions"))
    page = call_service(account_sessions().page, actor, actor.owner_id, PageQuery(size=PAGE_SIZE_MAXIMUM))
    context = {**site.each_context(request), "title": "Your sessions", "sessions": page.items, "total": page.total}
    request.current_app = site.name
    return TemplateResponse(request, "admin/backoffice/own_sessions.html", context)


def _end(request: HttpRequest, actor: Principal, chosen: str) -> None:
    if chosen == OTHERS:
        call_service(session_service().end_others, actor, everywhere=False)
        messages.success(request, "All other sessions have ended.")
        return
    try:
        call_service(session_service().end, actor, parse_row_id(chosen))
    except NotFound:
        messages.warning(request, "This session has already ended.")
    else:
        messages.success(request, "The session has ended.")
