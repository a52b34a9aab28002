"""Admin filters with custom titles."""

from typing import Any, ClassVar

from django.contrib.admin import FieldListFilter


class NamedFilter(FieldListFilter):
    """A mixin, placed before one of Django's filters, that sets its title: Django displays “By <name>”."""

    name: ClassVar[str]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.title = self.name
