"""Erases texts of API keys on the calling thread."""

from django.db.models.functions import Now

from apps.api_keys.models import ApiKey
from apps.api_keys.repositories.api_key_repository import ERASED


class OldApiKeyRepository:
    """The keys' rows, in the transaction that is open on the calling thread."""

    def erase_texts(self, user_id: int) -> None:
        """Blank names, descriptions, metadata and addresses of the account's keys."""
        ApiKey.objects.filter(user_id=user_id).update(**ERASED, updated_at=Now())
