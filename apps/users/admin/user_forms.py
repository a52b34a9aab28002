"""The forms of an account."""

from typing import Any, ClassVar

from django import forms
from django.contrib.admin.widgets import AdminTextInputWidget

from apps.core.admin.schema_model_form import SchemaModelForm
from apps.users.models import User
from apps.users.schemas import UserAdministration, UserCreate


class UserAddForm(SchemaModelForm):
    """Signs a user up, as the public registration does."""

    schema = UserCreate
    password = forms.CharField(
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "class": "vTextField"}),
        help_text="Tell it to the user by a safe way; it can be changed after signing in.",
    )

    class Meta:
        model = User
        fields: ClassVar = ["email", "username", "full_name"]
        widgets: ClassVar = {"email": AdminTextInputWidget(attrs={"autocomplete": "off"})}


class UserChangeForm(SchemaModelForm):
    """Changes an account."""

    schema = UserAdministration

    class Meta:
        model = User
        fields: ClassVar = ["email", "username", "full_name", "plan", "is_active", "is_staff"]

    def schema_values(self) -> dict[str, Any]:
        """Name the plan, as clients do."""
        values = super().schema_values()
        return {**values, "plan": values["plan"].name} if "plan" in values else values
