"""Public operations about second factors are limited per client address."""

import httpx
import pytest
from django.test import override_settings

from tests.support.assertions import assert_error

TOKEN = {"second_factor_token": "A" * 43}
ANSWER = {
    "challenge": "A" * 43,
    "credential": {
        "id": "AAAA",
        "rawId": "AAAA",
        "type": "public-key",
        "response": {"clientDataJSON": "AAAA", "authenticatorData": "AAAA", "signature": "AAAA"},
    },
}


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("second-factor", {**TOKEN, "code": "123456"}, 401),
        ("second-factor/passkey/options", TOKEN, 401),
        ("second-factor/passkey", {**TOKEN, **ANSWER}, 401),
        ("passkeys/options", {}, 200),
        ("passkeys", ANSWER, 401),
    ],
)
async def test_calls_from_one_address_are_limited(
    api: httpx.AsyncClient, path: str, body: dict[str, object], status: int
):
    with override_settings(PUBLIC_RATE_LIMIT="2/m", LOGIN_RATE_LIMIT="2/m"):
        answers = [await api.post(f"/api/v1/auth/{path}", json=body) for _ in range(3)]
    assert [answer.status_code for answer in answers[:2]] == [status] * 2
    assert_error(answers[2], 429, "RATE_LIMITED")
