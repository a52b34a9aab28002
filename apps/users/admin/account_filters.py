"""Finds accounts by what they are and have."""

from django.contrib.admin import BooleanFieldListFilter, RelatedFieldListFilter

from apps.core.admin.named_filter import NamedFilter


class ActivityFilter(NamedFilter, BooleanFieldListFilter):
    """By whether they may sign in."""

    name = "active"


class StaffFilter(NamedFilter, BooleanFieldListFilter):
    """By whether the admin opens to them."""

    name = "staff"


class RoleFilter(NamedFilter, RelatedFieldListFilter):
    """By a group, under the name that groups have here."""

    name = "role"
