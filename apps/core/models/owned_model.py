"""The abstract base model of entities that belong to an account."""

from django.db import models


class OwnedModel(models.Model):
    """A row of an account. Accounts are deleted softly and erased: their rows are erased before they are."""

    user = models.ForeignKey("users.User", on_delete=models.PROTECT, related_name="+")

    class Meta:
        abstract = True
