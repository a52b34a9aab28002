"""Removing answers that nobody repeats a request for any more."""

from apps.core.database.batches import remove_in_batches
from apps.verification.repositories.answer_repository import AnswerRepository


class AnswerCleanUp:
    """Removes answers that were given more than a day ago."""

    def __init__(self, answers: AnswerRepository) -> None:
        self._answers = answers

    async def run(self) -> int:
        """Remove them in batches, and return how many."""
        return await remove_in_batches(self._answers.remove_old)
