"""The schema and the form of a posting."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from apps.credits.admin.credit_operations import INCOMPLETE, PostingForm
from apps.credits.schemas.credit_transaction import CreditPosting

pytestmark = pytest.mark.unit


def read(**fields: Any) -> CreditPosting:
    return CreditPosting.model_validate({"amount": "1", **fields})


def refused_fields(**fields: Any) -> set[Any]:
    with pytest.raises(ValidationError) as refusal:
        read(**fields)
    return {problem["loc"] for problem in refusal.value.errors()}


@pytest.mark.parametrize(
    ("sent", "amount"),
    [
        ("10", "10"),
        ("10.50", "10.5"),
        ("0.000001", "0.000001"),
        ("007", "7"),
        (5, "5"),
        ("99999999999999.999999", "99999999999999.999999"),
        (99999999999999, "99999999999999"),
        (0.1, "0.1"),
        (10.5, "10.5"),
        (5.0, "5"),
        (999999999.000001, "999999999.000001"),
    ],
)
def test_an_amount_is_exact(sent, amount):
    assert str(read(amount=sent).amount) == str(Decimal(amount).quantize(Decimal("0.000001")))


@pytest.mark.parametrize(
    "sent",
    [
        "0", "-0", "0.000000", 0, 0.0, 1e9, 1e-7, 1e300, 0.1 + 0.2, float("nan"), True, None, "", " 1", "1 ", "1.",
        ".5", "+1", "1e3", "1,5", "1_000",
        "0x1", "NaN", "Infinity", "-Infinity", "٣", "1.0000000", "0.0000001", "100000000000000", 100000000000000,
        -100000000000000, 2**70, "1" * 50, "1\n", "1\x00", [], {}, ["1"],
    ],
    ids=repr,
)  # fmt: skip
def test_a_malformed_amount_is_rejected(sent):
    assert refused_fields(amount=sent) == {("amount",)}


@pytest.mark.parametrize("kind", ["top_up", "goodwill", "refund"])
def test_only_an_adjustment_may_be_negative(kind):
    assert refused_fields(type=kind, amount="-1") == {("amount",)}
    assert read(type=kind).amount == 1
    assert read(type="adjustment", amount="-1", description="typing error").amount == -1


@pytest.mark.parametrize("description", ["", "   "])
def test_an_adjustment_needs_a_reason(description):
    assert refused_fields(type="adjustment", description=description) == {("description",)}
    assert refused_fields(type="adjustment") == {("description",)}
    assert read(type="refund", description=description).description == ""


def test_defaults_of_a_posting():
    posting = read()
    assert (posting.type, posting.description, posting.reference_id) == ("top_up", "", None)


@pytest.mark.parametrize("name", ["reference_id", "request_id"])
def test_the_reference_has_two_names(name):
    assert read(**{name: " invoice 7 "}).reference == "invoice 7"
    assert refused_fields(**{name: " "}) == {(name,)}
    assert refused_fields(**{name: "r" * 101}) == {(name,)}


def test_only_one_name_of_the_reference_is_accepted():
    assert refused_fields(reference_id="a", request_id="a") == {("request_id",)}


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"type": "usage"}, "type"),
        ({"type": ""}, "type"),
        ({"type": None}, "type"),
        ({"description": "d" * 501}, "description"),
        ({"description": "a\x00b"}, "description"),
        ({"description": None}, "description"),
        ({"reference_id": "a\x00b"}, "reference_id"),
        ({"reference_id": 7}, "reference_id"),
        ({"balance": "1"}, "balance"),
    ],
)
def test_malformed_postings_are_rejected(fields, field):
    assert refused_fields(**fields) == {(field,)}


@pytest.mark.parametrize("body", [None, [], "x", 7])
def test_a_posting_is_an_object(body):
    with pytest.raises(ValidationError):
        CreditPosting.model_validate(body)


def test_each_form_generates_its_own_reference():
    first, second = (PostingForm()["own_reference"].initial for _ in range(2))
    assert first != second
    assert read(reference_id=first).reference_id == first


def test_the_forms_own_reference_is_the_default():
    filled = {"amount": " 12.50 ", "type": "top_up", "description": "paid", "own_reference": "form-1", "reason": "paid"}
    forms = PostingForm(filled), PostingForm({**filled, "reference_id": "invoice 7"})
    assert [form.is_valid() for form in forms] == [True, True]
    assert [form.payload.reference_id for form in forms] == ["form-1", "invoice 7"]


def test_a_form_without_any_reference_is_rejected():
    form = PostingForm({"amount": "1", "type": "top_up", "description": "paid", "reason": "paid"})
    assert form.errors == {"__all__": [INCOMPLETE]}
