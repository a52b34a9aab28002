"""The base of entities that are changed."""

from django.db import models
from django.db.models.functions import Now


class TimestampedModel(models.Model):
    """Keeps when a row was made and last saved; the database's clock is the only one."""

    created_at = models.DateTimeField(auto_now_add=True, db_default=Now())
    updated_at = models.DateTimeField(auto_now=True, db_default=Now())

    class Meta:
        abstract = True
