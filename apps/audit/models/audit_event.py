"""Something that somebody did."""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now


class AuditEvent(models.Model):
    """One action on one thing, by one actor, with what it was before and after. Append-only: the database
    refuses UPDATE and DELETE, so ids are kept instead of foreign keys."""

    occurred_at = models.DateTimeField(db_default=Now())
    actor_id = models.BigIntegerField(null=True)
    actor_kind = models.CharField(max_length=20)
    action = models.CharField(max_length=50)
    target_kind = models.CharField(max_length=50)
    target_id = models.BigIntegerField(null=True)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    ip_address = models.GenericIPAddressField(null=True)
    request_id = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        db_table = "audit_events"
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["target_kind", "target_id", "-id"], name="audit_events_target"),
            models.Index(fields=["actor_id", "-id"], name="audit_events_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.target_kind} {self.target_id}"
