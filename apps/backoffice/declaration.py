"""The declaration of the backoffice app, which is empty: its pages belong to the admin site itself."""

from apps.core.declarations import AppDeclaration

DECLARATION = AppDeclaration()
