"""Finds accounts by their role."""

from typing import Any

from django.contrib.admin import RelatedFieldListFilter


class RoleFilter(RelatedFieldListFilter):
    """Django's filter by a group, under the name that groups have here."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.title = "role"
