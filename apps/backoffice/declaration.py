"""What this app adds: nothing yet; its pages are the admin's own."""

from apps.core.declarations.app_declaration import AppDeclaration

DECLARATION = AppDeclaration()
