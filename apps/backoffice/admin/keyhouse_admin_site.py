"""The admin site."""

from functools import partial
from typing import Any, override

from django.contrib.admin import AdminSite
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from apps.backoffice.admin.browser_session import sign_out_browser
from apps.backoffice.admin.own_sessions import own_sessions
from apps.backoffice.admin.staff_login_form import StaffLoginForm
from apps.backoffice.admin.staff_login_view import StaffLoginView
from apps.backoffice.admin.staff_password_form import StaffPasswordForm


class KeyhouseAdminSite(AdminSite):
    """Keyhouse's back office."""

    site_header = "Keyhouse"
    site_title = "Keyhouse"
    index_title = "Back office"
    site_url = None
    enable_nav_sidebar = False  # the few lists stand in the header
    login_form = StaffLoginForm
    password_change_form = StaffPasswordForm

    @override
    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Register everything but Django's own page for groups, which would write past services and audit trail."""
        models = [model_or_iterable] if isinstance(model_or_iterable, type) else model_or_iterable
        super().register([model for model in models if model is not Group], admin_class, **options)

    @override
    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Return the pages of one's own account before the others."""
        own = [path("sessions/", self.admin_view(partial(own_sessions, self)), name="own_sessions")]
        return [*own, *super().get_urls()]

    @method_decorator(never_cache)
    @method_decorator(login_not_required)
    @override
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Serve the page on which staff sign in; as Django's, with a view of our own."""
        next_page = StaffLoginView().get_redirect_url(request) or reverse("admin:index", current_app=self.name)
        if request.method == "GET" and self.has_permission(request):
            return HttpResponseRedirect(next_page)
        context = {
            **self.each_context(request),
            "title": "Log in",
            "subtitle": None,
            "app_path": request.get_full_path(),
            "username": request.user.get_username(),
            REDIRECT_FIELD_NAME: next_page,
            **(extra_context or {}),
        }
        request.current_app = self.name
        view = StaffLoginView.as_view(
            extra_context=context,
            authentication_form=self.login_form,
            template_name="admin/login.html",
            next_page="admin:index",
        )
        response: HttpResponse = view(request)  # type: ignore[assignment]  # a page's view streams nothing
        return response

    @override
    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """End the session, and say so."""
        if request.method == "POST":
            sign_out_browser(request)
        return super().logout(request, extra_context)
