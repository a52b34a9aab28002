"""The pages of errors: they keep the menu where the person is signed in, and say what to do."""

import sys
from dataclasses import dataclass, replace
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.loader import get_template
from django.urls import reverse

from apps.backoffice.admin.kept_input import keep_and_return
from apps.core.database.database_errors import DATABASE_UNAVAILABLE
from apps.core.errors import DomainError
from apps.core.http.error_responses import error_headers, to_domain_error
from apps.core.request_context import current_request

TEMPLATE = "admin/error.html"
SAME_ORIGIN = "same-origin"


@dataclass(frozen=True, slots=True)
class ErrorText:
    """What an error page says: the status, what is wrong, and what to do."""

    status: int
    title: str
    advice: str


BAD_REQUEST = ErrorText(400, "The request could not be read", "Go back, reload the page, and try again.")
FORBIDDEN = ErrorText(
    403,
    "You may not do this",
    "Your roles do not include the right for this page. If you need it, ask a member of staff who manages roles.",
)
OUT_OF_DATE = ErrorText(
    403,
    "This form is out of date",
    "Nothing was changed. The page was opened before you signed in, or the browser refuses cookies. Open the page "
    "again, fill in the form and send it.",
)
NOT_FOUND = ErrorText(
    404,
    "This page was not found",
    "The address may be incomplete, or what was here has been deleted. Go back, or start from the first page.",
)
FAILED = ErrorText(
    500,
    "Something went wrong",
    "Keyhouse could not finish the request, and has logged the error. Before you repeat a change, look whether it was "
    "made. If this happens again, report the request id.",
)


def bad_request(request: HttpRequest, *_: object, **__: object) -> HttpResponse:
    """Return the page of a request that Django refuses to read."""
    return error_page(request, BAD_REQUEST)


def forbidden(request: HttpRequest, *_: object, **__: object) -> HttpResponse:
    """Return the page for a person without the right."""
    return error_page(request, FORBIDDEN)


def not_found(request: HttpRequest, *_: object, **__: object) -> HttpResponse:
    """Return the page of an address that is none."""
    return error_page(request, NOT_FOUND)


def csrf_failure(request: HttpRequest, *_: object, **__: object) -> HttpResponse:
    """Return the page of a form with an invalid CSRF token.

    Where it comes from a page of Keyhouse that was opened before a sign-in, the form comes back filled instead, to be
    sent again. Forms of other sites do not (Fetch Metadata Request Headers, 2.3).
    """
    is_own = request.headers.get("Sec-Fetch-Site") == SAME_ORIGIN and _may_enter(request)
    filled = keep_and_return(request) if is_own else None
    return filled or error_page(request, OUT_OF_DATE)


def server_error(request: HttpRequest) -> HttpResponse:
    """Return the page of an error that is being handled: 503 if the database is unavailable, else 500.

    Django calls it (`handler500`), whatever has raised the error: a view or a middleware.
    """
    exception = sys.exc_info()[1]
    if not isinstance(exception, DATABASE_UNAVAILABLE):
        return error_page(request, FAILED)
    error = to_domain_error(exception)
    page = _plain_page(_text_of(error))
    page._has_been_logged = True  # type: ignore[attr-defined]  # in one line, not by Django with a traceback
    return _with_headers(page, error)


def domain_error_page(request: HttpRequest, error: DomainError) -> HttpResponse:
    """Return the page of a service's error that no form shows."""
    return _with_headers(error_page(request, _text_of(error)), error)


def error_page(request: HttpRequest, text: ErrorText) -> HttpResponse:
    """Return the page, with the menu if the person is signed in, and without what has failed otherwise."""
    try:
        if not _may_enter(request):
            return _plain_page(_outside(request, text))
        context = {**admin.site.each_context(request), **_context(text)}
        request.current_app = admin.site.name
        return HttpResponse(get_template(TEMPLATE).render(context, request), status=text.status)
    except Exception:  # noqa: BLE001  the page of an error must not fail itself; the first error is what Django logs
        return _plain_page(text)


def _may_enter(request: HttpRequest) -> bool:
    user: Any = getattr(request, "user", None)
    return user is not None and admin.site.has_permission(request)


def _outside(request: HttpRequest, text: ErrorText) -> ErrorText:
    # Customers follow links of messages to pages outside the back office.
    if text is NOT_FOUND and not request.path.startswith(reverse("admin:index")):
        return replace(text, advice="The address may be incomplete. If it is from a message, copy the whole link.")
    return text


def _plain_page(text: ErrorText) -> HttpResponse:
    context = {"site_title": admin.site.site_title, **_context(text)}
    return HttpResponse(get_template(TEMPLATE).render(context), status=text.status)


def _context(text: ErrorText) -> dict[str, Any]:
    return {"title": text.title, "advice": text.advice, "request_id": current_request().request_id}


def _text_of(error: DomainError) -> ErrorText:
    title = FAILED.title if error.status >= FAILED.status else "This could not be done"
    return ErrorText(error.status, title, error.public_message)


def _with_headers(page: HttpResponse, error: DomainError) -> HttpResponse:
    for name, value in error_headers(error).items():
        page[name] = value
    return page
