"""What this app adds: nothing; its pages belong to the admin site itself."""

from apps.core.declarations import AppDeclaration

DECLARATION = AppDeclaration()
