"""Filters under names of their own."""

from typing import Any, ClassVar

from django.contrib.admin import FieldListFilter


class NamedFilter(FieldListFilter):
    """Goes before one of Django's filters, and gives it a name that reads well after By."""

    name: ClassVar[str]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.title = self.name
