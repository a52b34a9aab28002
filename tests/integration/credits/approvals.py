"""Postings that need approval, and the people who ask for them and decide."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
from django.db.models import F

from apps.credits.models import CreditApproval, CreditBalance, CreditTransaction
from tests.support.accounts import Account, colleague, customer
from tests.support.orm import make, rows

APPROVALS = "/api/v1/credits/approvals"
LIMIT = "100"


@dataclass(frozen=True)
class Scene:
    """A customer, a member of staff who asks, and another who decides."""

    api: httpx.AsyncClient
    customer: Account
    asker: Account
    decider: Account

    async def ask(self, by: Any = None, user_id: Any = None, **fields: Any) -> httpx.Response:
        """Post credits above the limit."""
        body = {"amount": "500", "type": "goodwill", "reference_id": "case 7", "reason": "outage", **fields}
        url = f"/api/v1/users/{user_id or self.customer.id}/credits"
        return await self.api.post(url, json=body, headers=(by or self.asker).headers)

    async def asked(self, **fields: Any) -> dict[str, Any]:
        """Return the new pending approval."""
        response = await self.ask(**fields)
        assert response.status_code == 202, response.text
        pending: dict[str, Any] = response.json()
        return pending

    async def approve(self, approval_id: int, by: Any = None, **body: Any) -> httpx.Response:
        """Approve the posting."""
        headers = (by or self.decider).headers
        return await self.api.post(f"{APPROVALS}/{approval_id}/approve", json=body, headers=headers)

    async def refuse(self, approval_id: int, by: Any = None, **body: Any) -> httpx.Response:
        """Refuse the posting."""
        headers = (by or self.decider).headers
        return await self.api.post(f"{APPROVALS}/{approval_id}/refuse", json={"reason": "no", **body}, headers=headers)

    async def read(self, approval_id: int) -> dict[str, Any]:
        """Return the approval as the API shows it."""
        answer: dict[str, Any] = (await self.api.get(f"{APPROVALS}/{approval_id}", headers=self.decider.headers)).json()
        return answer

    async def books(self) -> tuple[str, list[str]]:
        """Return the customer's balance, and the amounts of the ledger."""
        (balance,) = await rows(CreditBalance.objects.filter(pk=self.customer.id))
        entries = await rows(CreditTransaction.objects.filter(user_id=self.customer.id).order_by("id"))
        return str(balance.balance), [str(entry.amount) for entry in entries]


async def scene(api: httpx.AsyncClient) -> Scene:
    """Return a customer, and two members of staff with all scopes that roles can give."""
    return Scene(api, await customer(), await colleague(), await colleague())


async def let_expire(approval_id: int) -> None:
    """Move the request and the end of the approval seven days into the past."""
    week = timedelta(days=7)
    found = CreditApproval.objects.filter(pk=approval_id)
    await make(found.update, requested_at=F("requested_at") - week, expires_at=F("expires_at") - week)
