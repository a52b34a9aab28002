"""The page that shows a key's new secret, once, after the forms that create or rotate it."""

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from apps.api_keys.admin.api_key_operations import ROTATE
from apps.api_keys.schemas.api_key import ApiKeyWithSecret
from apps.core.admin.one_time_forms import redirect_to_shown_once, shown_key
from apps.core.admin.operation import Operation
from apps.core.admin.service_admin import ServiceAdmin
from apps.core.admin.staff_rights import acting_staff
from apps.core.event_loop import call_service
from apps.idempotency.dependencies import one_time_forms

SECRET_PAGE = "admin:api_keys_apikey_secret"  # noqa: S105  the name of a page


class SecretPages(ServiceAdmin):
    """Leads from the forms that make a secret to the page that shows it."""

    def get_urls(self) -> list[URLPattern]:
        """Return the URL of the page before the others."""
        secret = path("secret/", self.admin_site.admin_view(self.secret_view), name="api_keys_apikey_secret")
        return [secret, *super().get_urls()]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Offer one button to save, which leads to the page with the secret."""
        one_way = {"show_save_and_continue": False, "show_save_and_add_another": False}
        return super().add_view(request, form_url, {**one_way, **(extra_context or {})})

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """Lead to the page with the new key's secret."""
        return redirect_to_shown_once(request, reverse(SECRET_PAGE))

    def after_operation(
        self, request: HttpRequest, operation: Operation, rows: Sequence[Any], results: Sequence[Any]
    ) -> HttpResponse:
        """Lead to the page with the new secret after a rotation."""
        if operation is ROTATE and results:
            return redirect_to_shown_once(request, reverse(SECRET_PAGE))
        return super().after_operation(request, operation, rows, results)

    def secret_view(self, request: HttpRequest) -> HttpResponse:
        """Show the secret of the key that this browser has just created or rotated, once."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        content = call_service(one_time_forms().take, acting_staff(request), shown_key(request))
        context = {
            **self.admin_site.each_context(request),
            "title": "The key's secret",
            "opts": self.opts,
            "key": ApiKeyWithSecret.model_validate_json(content) if content else None,
        }
        return TemplateResponse(
            request, "admin/api_keys/apikey/secret.html", context, headers={"Cache-Control": "no-store"}
        )
