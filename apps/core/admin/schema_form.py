"""A form that is validated by a schema of the API."""

from typing import Any, ClassVar

from django import forms
from pydantic import ValidationError

from apps.core.admin.form_errors import add_schema_errors
from apps.core.schemas.base import RequestSchema


class SchemaForm(forms.Form):
    """A form with the schema's field names. When it is valid, `payload` is the schema's instance."""

    schema: ClassVar[type[RequestSchema]] = RequestSchema
    payload: Any

    def clean(self) -> dict[str, Any]:
        """Validate the values by the schema."""
        try:
            self.payload = self.schema.model_validate(self.cleaned_data)
        except ValidationError as error:
            add_schema_errors(self, error)
        return self.cleaned_data
