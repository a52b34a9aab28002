"""Parts of a row's page that apps above add to it: they read through services, and change nothing.

A panel is shown above the form of the row. It may have a form of its own, which is posted to the panel's own page,
`<row>/<name>/`: the panel again, with what it then shows.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from apps.core.admin.keyhouse_model_admin import KeyhouseModelAdmin


@dataclass(frozen=True, kw_only=True)
class Panel:
    """A panel: the name of its page, its title, its template, and what the template finds in `panel`, for a row."""

    name: str
    title: str
    template: str
    context: Callable[[HttpRequest, Any], Mapping[str, Any]]


# By model: panels of an app on a page of a lower app, which must not import it.
_added: dict[str, list[Panel]] = {}


def add_panel(model_label: str, panel: Panel) -> None:
    """Add the panel to the pages of the rows of a model, such as `api_keys.ApiKey`, when the app's `admin` loads."""
    _added.setdefault(model_label, []).append(panel)


class PanelPages(KeyhouseModelAdmin):
    """Shows the panels of other apps on the pages of rows, to those who may view the row."""

    def get_urls(self) -> list[URLPattern]:
        """Return the URLs of the panels' pages before the others."""
        own = [
            path(
                f"<int:row_id>/{panel.name}/",
                self.admin_site.admin_view(partial(self.panel_view, panel)),
                name=self._panel_page(panel),
            )
            for panel in self._panels
        ]
        return [*own, *super().get_urls()]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **options: Any
    ) -> HttpResponse:
        """Add the panels of an existing row."""
        row = context.get("original")
        panels = [self._shown(request, panel, row) for panel in self._panels] if row else []
        return super().render_change_form(request, {**context, "panels": panels}, *args, **options)

    def panel_view(self, panel: Panel, request: HttpRequest, row_id: int) -> HttpResponse:
        """Serve the panel's own page."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = self.get_queryset(request).filter(pk=row_id).first()
        if row is None:
            raise Http404
        context = {
            **self.admin_site.each_context(request),
            "title": panel.title,
            "subtitle": self.subtitle_of(row),
            "opts": self.opts,
            "original": row,
            "panels": [self._shown(request, panel, row)],
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin/panel_page.html", context)

    @property
    def _panels(self) -> list[Panel]:
        return _added.get(self.opts.label, [])

    def _shown(self, request: HttpRequest, panel: Panel, row: Any) -> dict[str, Any]:
        url = reverse(f"admin:{self._panel_page(panel)}", args=[row.pk])
        return {"template": panel.template, "url": url, **panel.context(request, row)}

    def _panel_page(self, panel: Panel) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{panel.name.replace('-', '_')}"
