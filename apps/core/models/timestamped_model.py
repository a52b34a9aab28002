"""The abstract base model of entities."""

from django.db import models
from django.db.models.functions import Now


class TimestampedModel(models.Model):
    """Stores when a row was created and last updated, by the database's clock."""

    created_at = models.DateTimeField(auto_now_add=True, db_default=Now())
    updated_at = models.DateTimeField(auto_now=True, db_default=Now())

    class Meta:
        abstract = True
