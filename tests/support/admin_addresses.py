"""All addresses of the admin, as its resolver has them, with a row for each that needs one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from django.contrib import admin
from django.urls import URLPattern, get_resolver, reverse
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.credits.models import CreditTransaction
from apps.second_factors.models import TotpDevice
from apps.users.models import User
from config.apps import discover_admin_pages
from tests.support.admin_forms import (
    Ids,
    customer,
    expiring,
    failed_mail,
    invited,
    own_pending,
    pending,
    plan,
    role,
    staff,
    with_identity,
    with_passkey,
    with_session,
)
from tests.support.factories import give_credits

# The ends of the names of addresses that are no pages: they answer a script or a form alone, redirect to a list, or are
# a file.
NO_PAGES = ("search", "autocomplete", "jsi18n", "view_on_site", "_history", "usage_export")
# Pages that only a form leads to.
LED_TO = frozenset({"login", "logout", "second_step", "new_totp"})
OF_ROWS = ("_change", "_delete", "_explain")
MAY_BE_REFUSED = ("_add", "_delete")  # of lists that nobody may add to, or delete from
STAFF_PAGES = "users_staffmember_"  # the same views as those of customers, except for the list


@dataclass(frozen=True)
class World:
    """A row of each model, by its name, and the rows of operations that apply to other ones, by their page."""

    rows: Mapping[str, int]
    others: Mapping[str, int]


def make_world() -> World:
    """Create the rows: a customer who has everything, and others."""
    key, approval, soon = expiring(), pending(), timezone.now() + timedelta(days=1)
    user = key["user"]
    give_credits(User.objects.get(pk=user), 20)
    TotpDevice.objects.create(user_id=user, secret_encrypted=b"x", confirmed_at=timezone.now())
    User.objects.filter(pk=user).update(locked_until=soon)
    belongings: Ids = {**with_identity(), **with_session(), **with_passkey(), **invited(), **role(), **plan()}
    transaction, event = CreditTransaction.objects.latest("id").pk, AuditEvent.objects.latest("id").pk
    rows = {
        **belongings, "user": user, "apikey": key["key"], "creditbalance": user, "creditapproval": approval["approval"],
        "credittransaction": transaction, "auditevent": event, "outgoingmail": failed_mail()["mail"],
        "totpdevice": TotpDevice.objects.get(user=user).pk, "staffmember": staff()["user"],
    }  # fmt: skip
    others = {
        "withdraw": own_pending()["approval"],
        "activate": customer(is_active=False)["user"],
        "restore": customer(deleted_at=timezone.now())["user"],
    }
    return World(rows, others)


def names_of_pages() -> set[str]:
    """Return the names of all addresses of the admin that a person can open."""
    names = {str(pattern.name) for pattern in _patterns() if pattern.name}
    same = {name for name in names if name.startswith(STAFF_PAGES) and not name.endswith("changelist")}
    return {name for name in names - same - LED_TO if name == "search" or not name.endswith(NO_PAGES)}


def addresses_of(name: str, world: World) -> Iterator[str]:
    """Yield the addresses of the page of this name."""
    model = _model_of(name)
    if name == "app_list":
        yield from (reverse("admin:app_list", args=[label]) for label in _labels())
    elif name.endswith("_selected"):
        operation = name.removesuffix("_selected").partition(f"_{model}_")[2]
        query = urlencode({"id": world.others.get(operation, world.rows[model])})
        yield f"{reverse(f'admin:{name}')}?{query}"
    elif name.startswith("customer"):
        yield reverse(f"admin:{name}", args=[world.rows["user"]])
    elif name.endswith(OF_ROWS) and model in world.rows:
        yield reverse(f"admin:{name}", args=[world.rows[model]])
    else:
        yield reverse(f"admin:{name}")


def _model_of(name: str) -> str:
    models = (each._meta for each in admin.site._registry)
    return next((str(one.model_name) for one in models if name.startswith(f"{one.app_label}_{one.model_name}_")), "")


def _labels() -> list[str]:
    return sorted({model._meta.app_label for model in admin.site._registry})


def _patterns() -> Iterator[URLPattern]:
    discover_admin_pages()
    waiting = [each for each in get_resolver().url_patterns if getattr(each, "namespace", "") == "admin"]
    while waiting:
        pattern = waiting.pop()
        if isinstance(pattern, URLPattern):
            yield pattern
        else:
            waiting += pattern.url_patterns
