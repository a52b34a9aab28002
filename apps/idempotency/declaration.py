"""The declaration of the idempotency app."""

from apps.core.background.clean_up import in_batches
from apps.core.declarations import AppDeclaration, CleanUpTask
from apps.idempotency.repositories.idempotent_response_repository import IdempotentResponseRepository

DECLARATION = AppDeclaration(
    clean_up_tasks=[
        CleanUpTask(
            "idempotent_responses",
            "responses to requests with an Idempotency-Key that are a day old",
            in_batches(IdempotentResponseRepository().remove_old),
        )
    ]
)
