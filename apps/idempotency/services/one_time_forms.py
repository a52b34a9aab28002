"""Remembers the forms of the admin that were sent, and hands out the responses that they may show once."""

from apps.core.authorization.principal import Principal
from apps.core.database.transaction import transaction
from apps.idempotency.services.in_transaction.idempotent_responses import IdempotentRequest, IdempotentResponses

OPERATION = "form"


class OneTimeForms:
    """Remembers texts about a person's forms for a day, encrypted: where a form has led, or what was typed into it.

    `key` belongs to the person; without it the text can be neither found nor read.
    """

    def __init__(self, responses: IdempotentResponses) -> None:
        self._responses = responses

    async def recall(self, actor: Principal, key: str) -> str | None:
        """Return the text that is remembered under the actor's key, or None. Raises IdempotencyKeyInUse."""
        async with transaction():
            found = await self._responses.find(_form(actor, key))
        return None if found is None else found.decode()

    async def remember(self, actor: Principal, key: str, text: str) -> None:
        """Remember the text under the actor's key, unless there is one."""
        async with transaction():
            form = _form(actor, key)
            if await self._responses.find(form) is None:
                await self._responses.store(form, text.encode())

    async def replace(self, actor: Principal, key: str, text: str) -> None:
        """Remember the text under the actor's key, in place of a former one. Raises IdempotencyKeyInUse."""
        async with transaction():
            form = _form(actor, key)
            await self._responses.find(form)
            await self._responses.replace(form, text.encode())

    async def take(self, actor: Principal, key: str | None) -> bytes | None:
        """Return the response that the service stored under this key, once; None if there is none, or it was taken."""
        request = IdempotentRequest.of(actor, key, OPERATION)
        async with transaction():
            return await self._responses.take(request) if request else None


def _form(actor: Principal, key: str) -> IdempotentRequest | None:
    return IdempotentRequest.of(actor, f"{OPERATION} {key}", OPERATION)
