"""`POST /api/v1/users`."""

import httpx

from apps.audit.models import AuditEvent
from apps.users.models import User
from tests.support.assertions import assert_error
from tests.support.factories import PASSWORD
from tests.support.orm import rows

NEW = {"email": "Ann@Example.com", "username": "ann", "password": PASSWORD}


async def test_signs_up_on_the_free_plan(api: httpx.AsyncClient):
    response = await api.post("/api/v1/users", json=NEW)
    assert response.status_code == 201
    assert response.json()["email"] == "Ann@example.com"
    assert response.json()["plan"] == "free"
    assert "password" not in response.text
    assert [event.action for event in await rows(AuditEvent.objects.all())] == ["user.created"]


async def test_address_taken_in_another_case_is_rejected(api: httpx.AsyncClient):
    await api.post("/api/v1/users", json=NEW)
    response = await api.post("/api/v1/users", json={**NEW, "email": "ANN@EXAMPLE.COM", "username": "other"})
    assert_error(response, 409, "CONFLICT", field="email")
    assert len(await rows(User.objects.all())) == 1
