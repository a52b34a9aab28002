"""Creating and finding accounts by Django's own commands and sign-in."""

from typing import TYPE_CHECKING, Any

from django.contrib.auth.base_user import BaseUserManager
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db.models import QuerySet, Value
from django.db.models.functions import Collate, Lower

from apps.core.values.email_addresses import canonical_email, require_email

if TYPE_CHECKING:
    from apps.users.models.user import User

DEFAULT_PLAN_NAME = "free"


class UserManager(BaseUserManager["User"]):
    """Finds accounts by e-mail address, in whatever case; deleted accounts are not found."""

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

        Raises ValidationError for an invalid address and a password that may not be set: Django's command accepts both
        with `--noinput`.
        """
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
