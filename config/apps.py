"""Registers with Django the composition, for its management commands, and the admin with its site."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class KeyhouseConfig(AppConfig):
    """The composition of the apps."""

    name = "config"
    label = "config"
    verbose_name = "Keyhouse"


class KeyhouseAdminConfig(AdminConfig):
    """Django's admin with Keyhouse's site."""

    default_site = "apps.backoffice.admin.keyhouse_admin_site.KeyhouseAdminSite"
