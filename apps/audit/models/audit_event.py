"""An action, carried out or refused."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from apps.audit.domain.audit_entry import Outcome

# What clients cause without changing anything. The events are deleted after ATTEMPT_RETENTION_DAYS; all others stay. A
# reused refresh token has ended a session. `audit_events.sql` and the database's trigger have the same condition.
ATTEMPTS = Q(outcome=Outcome.FAILURE.value) & ~Q(action="session.reuse_detected") | Q(action="password.reset_asked")

# What takes an account's access away; the last one says by whom and why. `audit_events.sql` has the same condition.
ENDS_OF_ACCESS = Q(target_kind="user", action__in=("user.suspended", "user.deleted"))


class AuditEvent(models.Model):
    """One action of an actor on a target, with the changed fields before and after. Append-only: the database refuses
    DELETE except for old ATTEMPTS, and UPDATE except for the erasure of a deleted account, so ids are kept instead of
    foreign keys.

    `subject_id` is the account that the event concerns; its owner may read the event, even if another account acted,
    but not the `reason`, which is for staff.
    """

    occurred_at = models.DateTimeField(db_default=Now())
    actor_id = models.BigIntegerField(null=True)
    actor_kind = models.CharField(max_length=20)
    subject_id = models.BigIntegerField(null=True)
    action = models.CharField(max_length=50)
    outcome = models.CharField(max_length=10, default=Outcome.SUCCESS.value, db_default=Outcome.SUCCESS.value)
    target_kind = models.CharField(max_length=50)
    target_id = models.BigIntegerField(null=True)
    reason = models.CharField(max_length=500, blank=True, default="", db_default="")
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    ip_address = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=300, blank=True, default="", db_default="")
    request_id = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        db_table = "audit_events"
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["target_kind", "target_id", "-id"], name="audit_events_target"),
            models.Index(fields=["actor_id", "-id"], name="audit_events_actor"),
            models.Index(fields=["subject_id", "-id"], name="audit_events_subject"),
            models.Index(fields=["request_id"], condition=~Q(request_id=""), name="audit_events_request"),
            models.Index(fields=["action", "-id"], name="audit_events_action"),
            models.Index(fields=["occurred_at"], condition=ATTEMPTS, name="audit_events_attempts"),
            models.Index(fields=["target_id", "-id"], condition=ENDS_OF_ACCESS, name="audit_events_end_of_access"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.target_kind} {self.target_id}"
