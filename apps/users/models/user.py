"""An account."""

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from apps.core.models import TimestampedModel
from apps.core.values.email_addresses import EMAIL_LENGTH_MAXIMUM
from apps.users.models.user_manager import UserManager


class User(AbstractBaseUser, PermissionsMixin, TimestampedModel):
    """A customer or a member of staff. Deletion sets `deleted_at`; the row stays, and so does its ledger."""

    # Folded by the "C" collation, which folds ASCII only: in a Turkish database ADMIN and admin are two names.
    email = models.EmailField(max_length=EMAIL_LENGTH_MAXIMUM, db_collation="C")
    username = models.CharField(max_length=150, db_collation="C")
    full_name = models.CharField(max_length=200, blank=True, default="")
    plan = models.ForeignKey("plans.Plan", on_delete=models.PROTECT, related_name="+")
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    email_verified_at = models.DateTimeField(null=True, blank=True)
    # The address that the owner asked for, until when it may be confirmed, and which address has confirmed it.
    pending_email = models.EmailField(
        max_length=EMAIL_LENGTH_MAXIMUM, blank=True, default="", db_default="", editable=False
    )
    pending_email_until = models.DateTimeField(null=True, editable=False)
    pending_email_confirmed_by = models.CharField(max_length=3, blank=True, default="", db_default="", editable=False)
    # Wrong passwords lock a pair of account and client address (LoginAttempt), never the account, or any client could
    # stop a customer's API keys. An account and its keys are refused until `locked_until`; nothing sets the two yet.
    failed_login_attempts = models.PositiveIntegerField(default=0)
    locked_until = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    # When the personal data of the deleted account was erased.
    erased_at = models.DateTimeField(null=True, editable=False)
    # Sessions that began before this are ended.
    sessions_ended_at = models.DateTimeField(null=True, blank=True, editable=False)
    # Authentications before this do not count as recent: the account had no second factor then.
    proofs_ended_at = models.DateTimeField(null=True, editable=False)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar = ["username"]

    objects = UserManager()

    class Meta:
        db_table = "users"
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(Lower("email"), condition=Q(deleted_at=None), name="users_email_unique"),
            models.UniqueConstraint(Lower("username"), condition=Q(deleted_at=None), name="users_username_unique"),
        ]

    def __str__(self) -> str:
        return self.email
