"""The main use: register, create a key, have it verified, rotate and revoke it."""

import httpx

from tests.support.people import PASSWORD, Person

NAME = "ann-of-the-main-job"
ACCOUNT = {"email": f"{NAME}@example.com", "username": NAME, "password": PASSWORD, "full_name": "Ann"}


def test_customer_journey_from_registration_to_revoked_key(client: httpx.Client, service: dict[str, str]):
    user = client.post("/api/v1/users", json=ACCOUNT)
    assert (user.status_code, user.json()["plan"]) == (201, "free")

    pair = client.post("/api/v1/auth/login", json={"email": ACCOUNT["email"], "password": PASSWORD})
    assert (pair.status_code, pair.json()["token_type"]) == (200, "bearer")
    ann = {"Authorization": f"Bearer {pair.json()['access_token']}"}

    key = client.post("/api/v1/api-keys", json={"name": "production"}, headers=ann)
    assert key.status_code == 201
    assert key.json()["user_id"] == user.json()["id"]
    path, first_secret = f"/api/v1/api-keys/{key.json()['id']}", key.json()["api_key"]
    assert _code(client, service, first_secret) == "VALID"

    rotated = client.post(f"{path}/rotate", json={"grace_seconds": 3600}, headers=ann)
    assert (rotated.status_code, rotated.json()["id"]) == (200, key.json()["id"])
    second_secret = rotated.json()["api_key"]
    assert second_secret != first_secret
    assert _code(client, service, first_secret) == "VALID"
    assert _code(client, service, second_secret) == "VALID"

    revoked = client.post(f"{path}/revoke", json={"reason": "leaked"}, headers=ann)
    assert (revoked.status_code, revoked.json()["revoked_reason"]) == (200, "leaked")
    assert _code(client, service, first_secret) == "DISABLED"
    assert _code(client, service, second_secret) == "DISABLED"


def test_secret_rotated_without_grace_has_expired(client: httpx.Client, person: Person, service: dict[str, str]):
    key = person.create_key()
    rotated = client.post(f"/api/v1/api-keys/{key['id']}/rotate", headers=person.headers)
    assert rotated.status_code == 200
    assert _code(client, service, key["api_key"]) == "EXPIRED"
    assert _code(client, service, rotated.json()["api_key"]) == "VALID"


def test_deleted_key_is_not_found(client: httpx.Client, person: Person, service: dict[str, str]):
    key = person.create_key()
    deleted = client.delete(f"/api/v1/api-keys/{key['id']}", headers=person.headers)
    assert deleted.status_code == 204
    assert _code(client, service, key["api_key"]) == "NOT_FOUND"


def _code(client: httpx.Client, service: dict[str, str], secret: str) -> str:
    answer = client.post("/api/v1/keys/verify", json={"key": secret}, headers=service)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["valid"] == (body["code"] == "VALID")
    code: str = body["code"]
    return code
