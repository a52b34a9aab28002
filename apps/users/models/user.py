"""Accounts, and the manager by which Django creates and finds them."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.auth.password_validation import validate_password
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Collate, Lower, Upper

from apps.core.models import TimestampedModel
from apps.core.values.email_addresses import EMAIL_LENGTH_MAXIMUM, canonical_email, require_email

DEFAULT_PLAN_NAME = "free"
OF_STAFF = Q(is_staff=True) | Q(is_superuser=True)


class UserManager(BaseUserManager["User"]):
    """Finds accounts by e-mail address, case-insensitively; deleted accounts are not found."""

    use_in_migrations = False

    def get_by_natural_key(self, username: str | None) -> "User":
        """Return the account with this e-mail address that is not deleted; raises User.DoesNotExist."""
        return self.with_email(canonical_email(username or "")).get(deleted_at=None)

    def with_email(self, email: str) -> QuerySet["User"]:
        """Return the accounts with this canonical address, deleted ones too; case is folded as in the unique index."""
        return self.annotate(email_lower=Lower("email")).filter(email_lower=Lower(Collate(Value(email), "C")))

    def create_user(self, email: str, username: str, password: str | None = None, **fields: Any) -> "User":
        """Save an account with a hashed password, on the default plan unless `fields` name another, and return it."""
        user = self.new(email, username, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def new(self, email: str, username: str, **fields: Any) -> "User":
        """Return an unsaved account without a password."""
        if "plan" not in fields and "plan_id" not in fields:
            fields["plan"] = self.default_plan().get()
        return self.model(email=canonical_email(email), username=username, **fields)

    def default_plan(self) -> QuerySet[Any]:
        """Return the plan that new accounts get."""
        plans: QuerySet[Any] = self.model._meta.get_field("plan").related_model._default_manager.all()
        return plans.filter(name=DEFAULT_PLAN_NAME)

    def create_superuser(self, email: str, username: str, password: str | None = None, **fields: Any) -> "User":
        """Save a superuser's account and return it; `createsuperuser` calls this.

        Raises ValidationError for an invalid address, a password that may not be set, and a taken user name: Django's
        command accepts all of them with `--noinput`.
        """
        if self.filter(deleted_at=None, username__iexact=username).exists():
            raise ValidationError("An account with this user name exists.")
        user = self.new(_required(email), username, **{**fields, "is_staff": True, "is_superuser": True})
        if password is not None:
            validate_password(password, user)
        user.set_password(password)
        user.save(using=self._db)
        return user


def _required(email: str) -> str:
    try:
        return require_email(email)
    except ValueError as error:
        raise ValidationError(f"The e-mail address {error}.") from error


class User(AbstractBaseUser, PermissionsMixin, TimestampedModel):
    """A customer or a member of staff. Deletion sets `deleted_at`; the row stays, and so does its ledger."""

    # The "C" collation folds the case of ASCII only. In a database with a Turkish locale, ADMIN and admin would differ.
    email = models.EmailField(max_length=EMAIL_LENGTH_MAXIMUM, db_collation="C")
    username = models.CharField(max_length=150, db_collation="C")
    full_name = models.CharField(max_length=200, blank=True, default="")
    plan = models.ForeignKey("plans.Plan", on_delete=models.PROTECT, related_name="+", db_index=False)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    email_verified_at = models.DateTimeField(null=True, blank=True)
    # When an earlier address was verified, before staff set another one, which is not.
    formerly_verified_at = models.DateTimeField(null=True, editable=False)
    # The requested address, the end of the time to confirm it, and the address (old or new) that has confirmed it.
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
    # Authentications before this do not count as recent, because the account had no second factor then.
    proofs_ended_at = models.DateTimeField(null=True, editable=False)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar = ["username"]

    objects = UserManager()

    class Meta:
        db_table = "users"
        verbose_name = "customer"
        ordering: ClassVar = ["id"]
        indexes: ClassVar = [
            # For the list of staff: of a million accounts, these are a few.
            models.Index(fields=["-id"], condition=OF_STAFF, name="users_staff"),
            # For searches, by any part of a name. Django compares UPPER of both.
            GinIndex(
                *(OpClass(Upper(name), name="gin_trgm_ops") for name in ("email", "username", "full_name")),
                name="users_search",
            ),
            # For pages far from the beginning of the list, its total, and the total of each plan. Not partial: before
            # PostgreSQL has statistics it would read such an index as a whole to find one account.
            models.Index(fields=["id", "deleted_at"], name="users_in_order"),
            models.Index(fields=["plan", "deleted_at"], name="users_of_plan"),
            models.Index(
                fields=["deleted_at", "id"],
                condition=Q(deleted_at__isnull=False, erased_at=None),
                name="users_to_erase",
            ),
        ]
        constraints: ClassVar = [
            # Of the accounts that are not deleted: NULL equals NULL here, and no two are deleted at the same moment.
            models.UniqueConstraint(Lower("email"), "deleted_at", nulls_distinct=False, name="users_email_unique"),
            models.UniqueConstraint(
                Lower("username"), "deleted_at", nulls_distinct=False, name="users_username_unique"
            ),
        ]

    def __str__(self) -> str:
        return self.email
