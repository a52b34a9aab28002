"""Tells Django's admin which site it is."""

from django.contrib.admin.apps import AdminConfig


class KeyhouseAdminConfig(AdminConfig):
    """Django's admin with Keyhouse's site."""

    default_site = "apps.backoffice.admin.keyhouse_admin_site.KeyhouseAdminSite"
