"""What staff note about an account."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from apps.core.models import OwnedModel


class AccountNote(OwnedModel):
    """An internal note about an account (`user`), which its owner does not see. It is added and deleted, never changed.

    `author_id` is kept instead of a foreign key, as in the audit trail: the note stays when the author's account is
    erased. It is null for the operator.
    """

    author_id = models.BigIntegerField(null=True)
    text = models.CharField(max_length=4000)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "account_notes"
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [models.Index(fields=["user", "-id"], name="account_notes_user")]

    def __str__(self) -> str:
        return f"note {self.pk}"
