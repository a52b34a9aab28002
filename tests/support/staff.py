"""The staff of a running server, who create and change customers."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx

from tests.support.people import PASSWORD
from tests.support.server import ADMINISTRATOR_EMAIL, Server

HOUR = 3600  # a period so long that no calls become available again during a test


@dataclass(frozen=True)
class Customer:
    """An account with its own plan and one key."""

    id: int
    plan_id: int
    key_id: int
    secret: str


@dataclass(frozen=True)
class Staff:
    """The administrator, signed in."""

    client: httpx.Client
    headers: dict[str, str]

    def call(self, method: str, path: str, **body: Any) -> Any:
        """Send a request to the API, and return the response's body."""
        response = self.client.request(method, f"/api/v1{path}", json=body, headers=self.headers)
        assert response.is_success, response.text
        return response.json()

    def make_customer(self, *, calls: int | None = None, balance: int = 0) -> Customer:
        """Create a customer with this balance, on a plan with `calls` per hour, or without a rate limit."""
        name = f"user-{uuid4().hex}"
        user = self.call("POST", "/users", email=f"{name}@example.com", username=name, password=PASSWORD)
        plan = self.make_plan(calls)
        self.call("PATCH", f"/users/{user['id']}", plan=plan["name"])
        key = self.call("POST", f"/users/{user['id']}/api-keys", name="key")
        if balance:
            self.top_up(user["id"], balance)
        return Customer(user["id"], plan["id"], key["id"], key["api_key"])

    def make_plan(self, calls: int | None) -> dict[str, Any]:
        """Create a plan with `calls` per hour, or without a rate limit."""
        plan: dict[str, Any] = self.call("POST", "/plans", name=f"plan-{uuid4().hex}", rate_limits=hourly_limit(calls))
        return plan

    def top_up(self, user_id: int, amount: int) -> None:
        """Give the customer credits."""
        self.call("POST", f"/users/{user_id}/credits", amount=str(amount))

    def limit(self, customer: Customer, calls: int | None) -> None:
        """Change the customer's plan to `calls` per hour, or to no rate limit."""
        self.call("PATCH", f"/plans/{customer.plan_id}", rate_limits=hourly_limit(calls))


def hourly_limit(calls: int | None) -> list[dict[str, Any]]:
    """Return a rate limit of `calls` per hour, or none."""
    return [] if calls is None else [{"name": "hour", "limit": calls, "period_seconds": HOUR}]


@contextmanager
def staff_of(server: Server, password: str) -> Iterator[Staff]:
    """Sign in the administrator."""
    with server.client() as client:
        response = client.post("/api/v1/auth/login", json={"email": ADMINISTRATOR_EMAIL, "password": password})
        assert response.status_code == 200, response.text
        yield Staff(client, {"Authorization": f"Bearer {response.json()['access_token']}"})
