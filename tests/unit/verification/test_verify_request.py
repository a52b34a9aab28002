"""Verification requests."""

from decimal import Decimal

import pytest
from pydantic import ValidationError

from apps.verification.schemas.verification import VerifyBatchRequest, VerifyRequest

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("cost", "text"),
    [
        ("0", "0.000000"),
        ("1.5", "1.500000"),
        ("10000000000000", "10000000000000.000000"),
        ("0.00001", "0.000010"),
        ("99999999999999.999999", "99999999999999.999999"),
    ],
)
def test_a_cost_has_six_decimal_places(cost: str, text: str):
    assert f"{VerifyRequest(key='k', cost=cost).cost:f}" == text  # type: ignore[arg-type]  # as JSON has them


@pytest.mark.parametrize(
    "cost",
    [
        "-0.000001",
        "0.0000001",
        "100000000000000",
        "1E+13",
        "0E-999999999999",
        "1E-999999999999",
        "NaN",
        "Infinity",
        None,
    ],
)
def test_a_malformed_cost_is_rejected(cost: str | None):
    with pytest.raises(ValidationError):
        VerifyRequest.model_validate({"key": "k", "cost": cost})


def test_a_call_is_free_by_default():
    assert VerifyRequest.model_validate({"key": "k"}).cost == Decimal(0)


@pytest.mark.parametrize("weight", [1, 1_000_000])
def test_a_weight_is_accepted(weight: int):
    assert VerifyRequest.model_validate({"key": "k", "weight": weight}).weight == weight


@pytest.mark.parametrize("weight", [0, -1, 1_000_001, 1.5, "1", True, None])
def test_a_malformed_weight_is_rejected(weight: object):
    with pytest.raises(ValidationError):
        VerifyRequest.model_validate({"key": "k", "weight": weight})


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1", None])
def test_an_address_is_accepted(address: str | None):
    assert VerifyRequest.model_validate({"key": "k", "ip": address}).ip == address


@pytest.mark.parametrize("text", ["", "192.0.2", "192.0.2.0/24", "example.com", "1" * 65, "x" * 201, "nul\x00"])
def test_any_text_is_accepted_for_a_key_and_an_address(text: str):
    request = VerifyRequest.model_validate({"key": text, "ip": text})
    assert (request.key.get_secret_value(), request.ip) == (text, text)


@pytest.mark.parametrize("field", ["key", "ip"])
def test_a_key_and_an_address_are_texts(field: str):
    with pytest.raises(ValidationError):
        VerifyRequest.model_validate({"key": "k", field: 3221225985})


@pytest.mark.parametrize("field", ["tag", "request_id"])
@pytest.mark.parametrize("text", ["a", "x" * 100, '{"a","b"}', "NULL", "back\\slash", "line\nbreak", "😀"])
def test_a_tag_and_a_request_id_are_free_text(field: str, text: str):
    assert getattr(VerifyRequest.model_validate({"key": "k", field: text}), field) == text


@pytest.mark.parametrize("field", ["tag", "request_id"])
@pytest.mark.parametrize("text", ["x" * 101, "nul\x00", "\ud800", 7])
def test_text_that_cannot_be_stored_is_rejected(field: str, text: object):
    with pytest.raises(ValidationError):
        VerifyRequest.model_validate({"key": "k", field: text})


def test_an_empty_request_id_is_rejected():
    with pytest.raises(ValidationError):
        VerifyRequest.model_validate({"key": "k", "request_id": ""})
    assert VerifyRequest.model_validate({"key": "k", "request_id": None}).request_id is None


def test_errors_do_not_repeat_the_key():
    with pytest.raises(ValidationError) as refusal:
        VerifyRequest.model_validate({"key": ["sk_live_secret"], "colour": "red"})
    assert "sk_live_secret" not in str(refusal.value)
    assert {error["loc"] for error in refusal.value.errors()} == {("key",), ("colour",)}
    assert "sk_live_secret" not in repr(VerifyRequest.model_validate({"key": "sk_live_secret"}))


@pytest.mark.parametrize(("count", "accepted"), [(0, False), (1, True), (100, True), (101, False)])
def test_a_batch_contains_up_to_a_hundred_calls(count: int, accepted: bool):
    items = [{"key": f"key {number}"} for number in range(count)]
    if accepted:
        found = VerifyBatchRequest.model_validate({"items": items}).items
        assert [item.key.get_secret_value() for item in found] == [item["key"] for item in items]
    else:
        with pytest.raises(ValidationError):
            VerifyBatchRequest.model_validate({"items": items})
