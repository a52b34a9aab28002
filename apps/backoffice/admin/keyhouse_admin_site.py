"""The admin site."""

from typing import Any, override

from django.contrib.admin import AdminSite
from django.contrib.auth.models import Group

from apps.backoffice.admin.staff_password_form import StaffPasswordForm


class KeyhouseAdminSite(AdminSite):
    """Keyhouse's back office."""

    site_header = "Keyhouse"
    site_title = "Keyhouse"
    index_title = "Back office"
    site_url = None
    enable_nav_sidebar = False  # the few lists stand in the header
    password_change_form = StaffPasswordForm

    @override
    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Register everything but Django's own page for groups, which would write past services and audit trail."""
        models = [model_or_iterable] if isinstance(model_or_iterable, type) else model_or_iterable
        super().register([model for model in models if model is not Group], admin_class, **options)
