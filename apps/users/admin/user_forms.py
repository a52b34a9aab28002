"""The forms of an account."""

from typing import Any, ClassVar

from django import forms
from django.contrib.admin.widgets import AdminTextInputWidget

from apps.core.admin.schema_model_form import SchemaModelForm
from apps.users.models import Role, User
from apps.users.schemas.user import UserAdministration, UserCreate


def _role_names() -> list[tuple[str, str]]:
    return [(name, name) for name in Role.objects.order_by("name").values_list("name", flat=True)]


def roles_of(user: User) -> list[str]:
    """Return the names of the account's roles, in order."""
    return list(user.groups.order_by("name").values_list("name", flat=True))


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
    """Changes an account.

    The page remembers the roles it showed: one that somebody has taken away meanwhile does not come back with it.
    """

    schema = UserAdministration
    roles = forms.MultipleChoiceField(
        choices=_role_names,
        required=False,
        show_hidden_initial=True,
        widget=forms.CheckboxSelectMultiple,
        help_text="What they give, the account holds, and its keys may have. It counts as long as the role is here.",
    )

    class Meta:
        model = User
        fields: ClassVar = ["email", "username", "full_name", "plan", "is_active", "is_staff"]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.initial["roles"] = roles_of(self.instance)

    def schema_values(self) -> dict[str, Any]:
        """Name the plan, as clients do."""
        values = super().schema_values()
        return {**values, "plan": values["plan"].name} if "plan" in values else values
