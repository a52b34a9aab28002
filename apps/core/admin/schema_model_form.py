"""A model form that is validated by a schema of the API and saved by a service."""

from typing import Any, ClassVar

from pydantic import ValidationError

from apps.core.admin.form_errors import add_schema_errors, add_service_errors
from apps.core.admin.generic_bases import ModelFormBase
from apps.core.errors import DomainError
from apps.core.schemas.base import RequestSchema


class SchemaModelForm(ModelFormBase):
    """A model form. When it is valid, `payload` is the schema's instance: all fields of a new row, or the changed ones.

    The form neither validates nor changes the model instance.
    """

    schema: ClassVar[type[RequestSchema]] = RequestSchema
    # The error that the service raised for these values, when the form is displayed again.
    service_error: ClassVar[DomainError | None] = None
    payload: Any

    def schema_values(self) -> dict[str, Any]:
        """Return the values to validate by the schema."""
        names = self.changed_data if self.instance.pk else self.fields
        return {
            name: self.cleaned_data[name]
            for name in names
            if name in self.cleaned_data and name in self.schema.model_fields
        }

    def clean(self) -> dict[str, Any]:
        """Validate the values by the schema, and add the error of the service."""
        try:
            self.payload = self.schema.model_validate(self.schema_values())
        except ValidationError as error:
            add_schema_errors(self, error)
        if self.service_error:
            add_service_errors(self, self.service_error)
        return self.cleaned_data

    def _post_clean(self) -> None:
        """Do nothing: the instance is neither filled nor validated."""

    def _save_m2m(self) -> None:
        """Do nothing: the service saves related rows too."""
