"""What an account's keys hold of its owner's own words."""

from django.db.models.functions import Now

from apps.api_keys.models import ApiKey

NOBODY_S = {"name": "erased", "description": "", "metadata": {}, "ip_allowlist": [], "revoked_reason": ""}


class KeyDataRepository:
    """Writes the keys of accounts that are deleted. Their ids, scopes and usage stay."""

    def blank(self, user_id: int) -> None:
        """Blank the words, in the transaction that is open on the calling thread."""
        ApiKey.objects.filter(user_id=user_id).update(**NOBODY_S, updated_at=Now())
