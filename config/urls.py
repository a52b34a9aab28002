"""Every URL of Keyhouse. `config.asgi` decides which application serves which."""

from django.contrib import admin
from django.urls import path
from django.views.generic import RedirectView

from apps.core.http.error_responses import server_error_page
from config.account_pages import account_page
from config.api import api, interactive_documentation, openapi_document
from config.apps import discover_admin_pages

discover_admin_pages()

handler500 = server_error_page
urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("account/<slug:name>", account_page),
    path("openapi.json", openapi_document),
    path("docs", interactive_documentation),
    path("", api.urls),
]
