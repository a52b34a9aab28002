"""A form that is judged by a schema of the API."""

from typing import Any, ClassVar

from django import forms
from pydantic import ValidationError

from apps.core.admin.form_errors import add_schema_errors
from apps.core.schemas.base import RequestSchema


class SchemaForm(forms.Form):
    """Its fields are named as the schema's; when it is valid, `payload` is the schema's instance."""

    schema: ClassVar[type[RequestSchema]] = RequestSchema
    payload: Any

    def clean(self) -> dict[str, Any]:
        """Let the schema judge the values."""
        try:
            self.payload = self.schema.model_validate(self.cleaned_data)
        except ValidationError as problem:
            add_schema_errors(self, problem)
        return self.cleaned_data
