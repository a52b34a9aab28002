"""What this app adds: nothing; its pages belong to the admin site itself."""

from apps.core.declarations.app_declaration import AppDeclaration

DECLARATION = AppDeclaration()
