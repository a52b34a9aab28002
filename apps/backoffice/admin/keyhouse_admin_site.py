"""The admin site."""

from collections.abc import Callable
from functools import partial, wraps
from typing import Any, override

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import Group
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect

from apps.authentication.services.second_step import SecondFactorExpired
from apps.backoffice.admin.authentication_forms import StaffPasswordForm
from apps.backoffice.admin.browser_session import sign_out_browser
from apps.backoffice.admin.calls_page import calls_page
from apps.backoffice.admin.customer_pages import customer_urls
from apps.backoffice.admin.kept_input import keeps_input
from apps.backoffice.admin.navigation import grouped, next_page, path_in_menu, url_with_next, waiting_approvals
from apps.backoffice.admin.own_sessions import own_sessions
from apps.backoffice.admin.reauthentication_page import reauthentication_page
from apps.backoffice.admin.repeated_forms import done_once
from apps.backoffice.admin.search_page import search_page
from apps.backoffice.admin.second_factor_pages import (
    new_passkey_page,
    new_totp_page,
    recovery_codes_page,
    second_factors_page,
)
from apps.backoffice.admin.second_step_page import SECOND_STEP_EXPIRED, second_step_page
from apps.backoffice.admin.staff_login import StaffLoginForm, StaffLoginView
from apps.core.admin.one_time_forms import OPENED_AT, now_text
from apps.core.admin.staff_rights import principal_of
from apps.core.database.page_statements import bounded_statements, is_statement_timeout

View = Callable[..., HttpResponse]
SEARCH_TOOK_TOO_LONG = "The search took too long. Enter more characters."


class KeyhouseAdminSite(AdminSite):
    """Keyhouse's back office.

    Only staff have access. If they need a second factor, only sessions that were authenticated by one have access;
    other sessions of staff can only add a factor and log out.
    """

    site_header = "Keyhouse"
    site_title = "Keyhouse"
    index_title = "Back office"
    site_url = None
    login_form = StaffLoginForm
    password_change_form = StaffPasswordForm

    @override
    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Register everything except Django's own page for groups, which would bypass services and audit trail."""
        models = [model_or_iterable] if isinstance(model_or_iterable, type) else model_or_iterable
        super().register([model for model in models if model is not Group], admin_class, **options)

    @override
    def has_permission(self, request: HttpRequest) -> bool:
        """Return whether the request has access to the admin."""
        return super().has_permission(request) and not principal_of(request.user).lacks_second_factor

    @override
    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Return the visible lists by group, or those of one app."""
        apps = super().get_app_list(request, app_label)
        return apps if app_label else grouped(apps, path_in_menu(request.path))

    @override
    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Return the context of every page, with the time for the forms that change something."""
        return {**super().each_context(request), OPENED_AT: now_text()}

    @override
    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Serve the first page, with what waits for the member of staff."""
        return super().index(request, {"waiting_approvals": waiting_approvals(request), **(extra_context or {})})

    @override
    def autocomplete_view(self, request: HttpRequest) -> HttpResponse:
        """Return the matches of a search for a related row, or 503 when the search exceeds STATEMENT_SECONDS.

        Our pages send the term in the body, like every search; Django's view reads it from the address.
        """
        if request.method == "POST":
            request.GET, request.method = request.POST, "GET"
        try:
            with bounded_statements():
                return super().autocomplete_view(request)
        except OperationalError as error:
            if not is_statement_timeout(error):
                raise
            return HttpResponse(
                SEARCH_TOOK_TOO_LONG,
                status=503,
                content_type="text/plain; charset=utf-8",
            )

    @override
    def admin_view[V: Callable[..., HttpResponseBase]](self, view: V, cacheable: bool = False) -> V:
        """Return the view for staff alone, which handles each form once and keeps its input over a sign-in.

        Browsers store no page, which Django would let them do with a few.
        """
        return keeps_input(super().admin_view(_never_framed(done_once(view))))

    @override
    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Return the URLs of the pages about one's own account, followed by Django's."""
        own = [
            path("search/", self.admin_view(partial(search_page, self)), name="search"),
            path("calls/", self.admin_view(partial(calls_page, self)), name="calls"),
            path("sessions/", self.admin_view(partial(own_sessions, self)), name="own_sessions"),
            path("login/second-step/", self._open_view(partial(second_step_page, self)), name="second_step"),
            path("second-factors/", self._signed_in_view(second_factors_page), name="second_factors"),
            path("second-factors/recovery-codes/", self._signed_in_view(recovery_codes_page), name="recovery_codes"),
            path("second-factors/totp/", self._signed_in_view(new_totp_page), name="new_totp"),
            path("second-factors/passkey/", self._signed_in_view(new_passkey_page), name="new_passkey"),
            path("proof/", self._signed_in_view(reauthentication_page), name="reauthentication"),
            path("logout/", self._open_view(self.logout), name="logout"),
        ]
        return [*own, *customer_urls(self), *super().get_urls()]

    @method_decorator(never_cache)
    @method_decorator(login_not_required)
    @override
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Serve the page on which staff sign in; as Django's, with our own view."""
        if request.method == "GET" and super().has_permission(request):
            may_enter = self.has_permission(request)
            return HttpResponseRedirect(next_page(request) if may_enter else url_with_next("second_factors", ""))
        if request.method == "GET" and SECOND_STEP_EXPIRED in request.GET:
            messages.error(request, SecondFactorExpired.message)  # shown by this page, so it is not stored in a session
        context = {
            **self.each_context(request),
            "title": "Log in",
            "subtitle": None,
            "app_path": request.get_full_path(),
            "username": request.user.get_username(),
            REDIRECT_FIELD_NAME: next_page(request),
            **(extra_context or {}),
        }
        request.current_app = self.name
        view = StaffLoginView.as_view(
            extra_context=context,
            authentication_form=self.login_form,
            template_name="admin/login.html",
            next_page="admin:index",
        )
        response: HttpResponse = view(request)  # type: ignore[assignment]  # the view of a page streams nothing
        return response

    @override
    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """End the session and show the page that confirms it."""
        if request.method == "POST":
            sign_out_browser(request)
        return super().logout(request, extra_context)

    def _signed_in_view(self, page: View) -> View:
        """Return a view of the page for all signed-in staff, with or without access to the admin."""

        @done_once
        def once(request: HttpRequest) -> HttpResponse:
            return page(self, request)

        def view(request: HttpRequest) -> HttpResponse:
            if not super(KeyhouseAdminSite, self).has_permission(request):
                return HttpResponseRedirect(url_with_next("login", request.get_full_path()))
            return once(request)

        return self._open_view(view)

    def _open_view(self, page: View) -> View:
        return never_cache(csrf_protect(page))


def _never_framed[V: Callable[..., HttpResponseBase]](view: V) -> V:
    """Return the view without the header by which unfold's pages let the same site frame them, for its pop-ups."""

    @wraps(view)
    def unframed(*args: Any, **options: Any) -> HttpResponseBase:
        response = view(*args, **options)
        response.headers.pop("X-Frame-Options", None)  # the middleware sets Django's default
        return response

    return unframed  # type: ignore[return-value]
