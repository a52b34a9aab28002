"""A scope of a role."""

from typing import ClassVar

from django.db import models


class RoleScope(models.Model):
    """While the row exists, accounts with the role hold the scope, and their API keys may have it."""

    role = models.ForeignKey("auth.Group", on_delete=models.CASCADE, related_name="scopes", db_index=False)
    scope = models.CharField(max_length=100)

    class Meta:
        db_table = "role_scopes"
        constraints: ClassVar = [models.UniqueConstraint(fields=["role", "scope"], name="role_scopes_unique")]

    def __str__(self) -> str:
        return self.scope
