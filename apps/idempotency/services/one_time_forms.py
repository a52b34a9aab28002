"""What became of a submitted form, and the response that it may show once."""

from apps.core.authorization.principal import Principal
from apps.core.database.transaction import transaction
from apps.idempotency.services.in_transaction.idempotent_responses import IdempotentRequest, IdempotentResponses

OPERATION = "form"


class OneTimeForms:
    """Remembers for a day where a form of the admin has led, and hands out the response that it may show once.

    `key` is the form's idempotency key (`one_time_key`), which belongs to its sender.
    """

    def __init__(self, responses: IdempotentResponses) -> None:
        self._responses = responses

    async def destination(self, actor: Principal, key: str) -> str | None:
        """Return where the form has led the actor, or None if it has not been done. Raises IdempotencyKeyInUse."""
        async with transaction():
            found = await self._responses.find(_form(actor, key))
        return None if found is None else found.decode()

    async def record(self, actor: Principal, key: str, destination: str) -> None:
        """Record where the form has led the actor, once it has been done."""
        async with transaction():
            form = _form(actor, key)
            if await self._responses.find(form) is None:
                await self._responses.store(form, destination.encode())

    async def take(self, actor: Principal, key: str | None) -> bytes | None:
        """Return the response that the service stored under this key, once; None if there is none, or it was taken."""
        request = IdempotentRequest.of(actor, key, OPERATION)
        async with transaction():
            return await self._responses.take(request) if request else None


def _form(actor: Principal, key: str) -> IdempotentRequest | None:
    return IdempotentRequest.of(actor, f"{OPERATION} {key}", OPERATION)
