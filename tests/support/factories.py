"""Creates rows for tests directly through the models, and commits them."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from django.utils import timezone

from apps.api_keys.models import ApiKey, ApiKeyCounter, ApiKeySecret
from apps.api_keys.services import key_format
from apps.core.authorization.catalogue import ROLE_SCOPES
from apps.core.authorization.scopes import reserved_under
from apps.credits.models import CreditApproval, CreditBalance, CreditTransaction
from apps.plans.models import Plan, PlanLimit
from apps.users.models import Role, RoleScope, User

PASSWORD = "correct horse battery staple"
_numbers = count(1)


@dataclass(frozen=True)
class IssuedKey:
    """An API key and its secret in plain text."""

    row: ApiKey
    secret: str

    @property
    def id(self) -> int:
        return self.row.pk

    @property
    def headers(self) -> dict[str, str]:
        return {"X-API-Key": self.secret}


def make_user(password: str | None = None, **fields: Any) -> User:
    """Create an account on the free plan. Without a password it cannot sign in, and needs no hashing."""
    number = next(_numbers)
    fields.setdefault("email", f"user{number}@example.com")
    fields.setdefault("username", f"user{number}")
    return User.objects.create_user(password=password, **fields)


def make_staff(password: str | None = None, **fields: Any) -> User:
    """Create a superuser."""
    return make_user(password, **{"is_staff": True, "is_superuser": True, **fields})


def make_colleague(*scopes: str, password: str | None = None, **fields: Any) -> User:
    """Create a member of staff with a role that gives these scopes, without any with all that roles can give."""
    user = make_staff(password, is_superuser=False, **fields)
    user.groups.add(make_role(*scopes or sorted(ROLE_SCOPES)))
    return user


def make_key(user: User | None = None, **fields: Any) -> IssuedKey:
    """Create a key with one secret, and give its owner roles for its scopes."""
    owner = user or make_user()
    give_scopes(owner, *ROLE_SCOPES.intersection(reserved_under(fields.get("scopes", ()))))
    return make_bare_key(owner, **fields)


def make_bare_key(user: User, **fields: Any) -> IssuedKey:
    """Create a key with one secret, without changing its owner's roles."""
    fields.setdefault("name", "key")
    last_used_at = fields.pop("last_used_at", None)
    row = ApiKey.objects.create(user=user, **fields)
    ApiKeyCounter.objects.filter(pk=row.pk).update(last_used_at=last_used_at)
    return IssuedKey(row, add_secret(row))


def add_secret(row: ApiKey, **fields: Any) -> str:
    """Add a secret to the key, and return it in plain text."""
    secret = key_format.generate_key(row.environment)
    digest, prefix = key_format.digest_of(secret), key_format.visible_prefix(secret)
    ApiKeySecret.objects.create(api_key=row, digest=digest, prefix=prefix, **fields)
    return secret


def make_service_key(**fields: Any) -> IssuedKey:
    """Create a key that may verify other keys."""
    return make_key(**{"scopes": ["keys:verify"], **fields})


def make_role(*scopes: str, name: str | None = None) -> Role:
    """Create a role with these scopes."""
    role = Role.objects.create(name=name or f"role {next(_numbers)}")
    RoleScope.objects.bulk_create(RoleScope(role=role, scope=scope) for scope in scopes)
    return role


def give_scopes(user: User, *scopes: str) -> None:
    """Give the user a role for each scope that they lack. Superusers hold all scopes already."""
    lacking = set() if user.is_superuser else set(scopes)
    lacking -= set(RoleScope.objects.filter(role__user=user).values_list("scope", flat=True))
    for scope in sorted(lacking):
        user.groups.add(make_role(scope))


def make_plan(*rate_limits: tuple[str, int, int], **fields: Any) -> Plan:
    """Create a plan with these rate limits (name, limit, period in seconds)."""
    fields.setdefault("name", f"plan {next(_numbers)}")
    plan = Plan.objects.create(**fields)
    PlanLimit.objects.bulk_create(
        PlanLimit(plan=plan, name=name, limit=limit, period_seconds=period_seconds)
        for name, limit, period_seconds in rate_limits
    )
    return plan


def make_approval(user: User, requested_by: User, **fields: Any) -> CreditApproval:
    """Create a posting of goodwill to the user that waits for approval."""
    posting = {"type": "goodwill", "amount": Decimal(500), "expires_at": timezone.now() + timedelta(days=7)}
    return CreditApproval.objects.create(user=user, requested_by=requested_by, **{**posting, **fields})


def give_credits(user: User, amount: Decimal | int | str) -> None:
    """Add credits to the user's balance, with a transaction in the ledger."""
    balance = CreditBalance.objects.get(pk=user.pk)
    balance.balance += Decimal(amount)
    balance.save()
    CreditTransaction.objects.create(
        user=user, type=CreditTransaction.Type.TOP_UP, amount=Decimal(amount), balance_after=balance.balance
    )
