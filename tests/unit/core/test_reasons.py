"""The reason of a change, in requests and in the admin's forms."""

import pytest
from django import forms
from pydantic import ValidationError

from apps.core.admin.schema_form import ReasonForm
from apps.core.schemas.base import ReasonedRequest

pytestmark = pytest.mark.unit


class Change(ReasonedRequest):
    """A change of one field."""

    name: str = ""


class ChangeForm(ReasonForm):
    """The fields of a change."""

    schema = Change
    name = forms.CharField()


def test_reason_is_no_changed_field():
    change = Change(name="new", reason=" A chargeback ")
    assert (change.reason, change.changed_fields) == ("A chargeback", {"name"})


@pytest.mark.parametrize(
    "reason", ["x" * 501, "a\x00b", "a\u202eb", "\u200b"], ids=["long", "NUL", "direction", "nothing"]
)
def test_unreadable_reason_is_refused(reason):
    with pytest.raises(ValidationError):
        Change(reason=reason)


def test_form_needs_a_reason():
    form = ChangeForm({"name": "new", "reason": " "})
    assert form.errors == {"reason": ["This field is required."]}


def test_form_shows_the_reason_last():
    form = ChangeForm({"name": "new", "reason": "A chargeback"})
    assert form.is_valid()
    assert list(form.fields) == ["name", "reason"]
    assert form.payload == Change(name="new", reason="A chargeback")
