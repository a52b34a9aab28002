"""The abstract base model of entities that belong to an account."""

from django.db import models


class OwnedModel(models.Model):
    """A row that belongs to an account. Its app erases it before the account is erased."""

    user = models.ForeignKey("users.User", on_delete=models.PROTECT, related_name="+")

    class Meta:
        abstract = True
