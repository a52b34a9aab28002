"""The form of a posting."""

import secrets
from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminTextInputWidget

from apps.core.admin.schema_form import SchemaForm
from apps.credits.schemas.credit_transaction import CreditPosting

REFERENCE_BYTES = 8  # enough: a reference is each customer's own
INCOMPLETE = "This form is incomplete; open the page again."


def _new_reference() -> str:
    return f"form-{secrets.token_hex(REFERENCE_BYTES)}"


class PostingForm(SchemaForm):
    """What is posted, and why.

    Where staff give no reference, the form's own stands for it, made when the page was opened: sent twice, it posts
    once.
    """

    schema = CreditPosting
    amount = forms.CharField(
        max_length=25,
        widget=AdminTextInputWidget(attrs={"autofocus": True, "inputmode": "decimal", "autocomplete": "off"}),
        help_text="In credits, such as 100 or 12.50. Only an adjustment may be negative.",
    )
    type = forms.ChoiceField(choices=[("top_up", "Top-up"), ("refund", "Refund"), ("adjustment", "Adjustment")])
    description = forms.CharField(
        label="Reason", max_length=500, widget=AdminTextInputWidget(), help_text="Shown to the customer."
    )
    reference_id = forms.CharField(
        label="Reference",
        required=False,
        max_length=100,
        widget=AdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="What it is for, such as the number of an invoice; the same one posts once for each customer.",
    )
    # Firefox would fill a hidden field with what it held before the page was opened anew.
    own_reference = forms.CharField(
        required=False,
        initial=_new_reference,
        max_length=100,
        widget=forms.HiddenInput(attrs={"autocomplete": "off"}),
    )

    def clean(self) -> dict[str, Any]:
        """Let the schema judge the posting under one of the two references."""
        own_reference = self.cleaned_data.pop("own_reference", "")
        if not self.cleaned_data.get("reference_id"):
            self.cleaned_data["reference_id"] = own_reference
        if not self.cleaned_data["reference_id"]:
            self.add_error(None, INCOMPLETE)
            return self.cleaned_data
        return super().clean()
