"""A form for a row, judged by a schema of the API and saved by a service."""

from typing import Any, ClassVar

from pydantic import ValidationError

from apps.core.admin.form_errors import add_refusal, add_schema_errors
from apps.core.admin.generic_bases import ModelFormBase
from apps.core.errors import DomainError
from apps.core.schemas.base import RequestSchema


class SchemaModelForm(ModelFormBase):
    """When it is valid, `payload` is the schema's instance: all fields for a new row, the changed ones for another.

    It never touches the row: neither validates nor fills the instance.
    """

    schema: ClassVar[type[RequestSchema]] = RequestSchema
    # What the service said to these very values, when they are shown again.
    refusal: ClassVar[DomainError | None] = None
    payload: Any

    def schema_values(self) -> dict[str, Any]:
        """Return what the schema is to judge."""
        names = self.changed_data if self.instance.pk else self.fields
        return {
            name: self.cleaned_data[name]
            for name in names
            if name in self.cleaned_data and name in self.schema.model_fields
        }

    def clean(self) -> dict[str, Any]:
        """Let the schema judge the values, and show what the service has said to them."""
        try:
            self.payload = self.schema.model_validate(self.schema_values())
        except ValidationError as problem:
            add_schema_errors(self, problem)
        if self.refusal:
            add_refusal(self, self.refusal)
        return self.cleaned_data

    def _post_clean(self) -> None:
        """Leave the instance alone."""

    def _save_m2m(self) -> None:
        """Leave what hangs on the instance to the service, too."""
