"""The forms of a role."""

from typing import Any, ClassVar

from django import forms
from django.contrib.admin.widgets import FilteredSelectMultiple

from apps.core.admin.schema_model_form import SchemaModelForm
from apps.core.authorization.catalogue import CATALOGUE, HeldBy
from apps.users.models import Role
from apps.users.schemas.role import RoleCreate, RoleUpdate


def _scopes() -> list[tuple[str, str]]:
    declared = (scope for scope in CATALOGUE.values() if scope.held_by is HeldBy.ROLES)
    return [(scope.name, f"{scope.name}: {scope.description}") for scope in declared]


def _permissions() -> list[tuple[str, str]]:
    return [(row.full_name, f"{row.full_name}: {row.name}") for row in Role.objects.grantable_permissions()]


class RoleForm(SchemaModelForm):
    """What can be said of a role, new or not.

    The page remembers what it showed: what somebody has taken away meanwhile does not come back with an old page.
    """

    scopes = forms.MultipleChoiceField(
        choices=_scopes,
        required=False,
        show_hidden_initial=True,
        widget=forms.CheckboxSelectMultiple,
        help_text="For the API: whoever has the role holds these, and staff may give them to their keys.",
    )
    permissions = forms.MultipleChoiceField(
        choices=_permissions,
        required=False,
        show_hidden_initial=True,
        widget=FilteredSelectMultiple("permissions", is_stacked=False),
        help_text="For the admin: what members of staff who have the role may do there.",
    )

    class Meta:
        model = Role
        fields: ClassVar = ["name"]


class RoleAddForm(RoleForm):
    """Makes a role."""

    schema = RoleCreate


class RoleChangeForm(RoleForm):
    """Changes a role; its scopes and permissions are those that are chosen."""

    schema = RoleUpdate

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.initial["scopes"] = self.instance.scope_names
        self.initial["permissions"] = self.instance.permission_names
