"""Every URL of Keyhouse. `config.asgi` decides which application serves which."""

from django.contrib import admin
from django.urls import path
from django.views.generic import RedirectView

from apps.backoffice.admin.error_pages import bad_request, forbidden, not_found, server_error
from config.account_pages import account_page
from config.api import api, interactive_documentation, openapi_document
from config.apps import discover_admin_pages

discover_admin_pages()

handler400, handler403, handler404, handler500 = bad_request, forbidden, not_found, server_error
urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("account/<slug:name>", account_page),
    path("openapi.json", openapi_document),
    path("docs", interactive_documentation),
    path("", api.urls),
]
