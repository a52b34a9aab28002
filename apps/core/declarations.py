"""The types of an app's declaration: `DECLARATION` in its `declaration.py` lists all that it adds to the project.

The API, the admin's navigation, personal data, the audit trail, clean-up and their tests read the declarations of all
installed apps, so that adding an app changes none of them.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, override

from django.utils.text import capfirst
from ninja import Router

from apps.core.background.background_jobs import BackgroundJob
from apps.core.conventions.own_apps import own_apps
from apps.core.crypto.passwords import run_in_hashing_thread
from apps.core.database.orm.entity_repository import OwnedRepository
from apps.core.schemas.base import EntityOut

# Per kind of row.
EXPORT_ROWS_MAXIMUM = 1000


class PersonalData:
    """Exports and erases one app's personal data. Apps override the methods that they need."""

    async def export(self, user_id: int) -> Any:
        """Return the app's personal data of the account, as schemas, or as `dict`s of schemas; without secrets."""
        raise LookupError(f"{type(self).__name__} exports no data of account {user_id}")

    async def erase(self, user_id: int) -> None:
        """Erase the app's personal data of a deleted account, inside the transaction of the erasure."""

    async def erase_address(self, email: str, until: datetime) -> None:
        """Erase the data stored under the e-mail address that the account had until it was deleted, at `until`.

        Keeps the data of another account that has used the address since.
        """


class OwnedPersonalData(PersonalData):
    """Exports the rows of an entity that belongs to accounts, as `to_schema` returns them, and erases them."""

    def __init__(self, rows: OwnedRepository[Any], to_schema: Callable[[Any], Any]) -> None:
        self._rows = rows
        self._to_schema = to_schema

    @override
    async def export(self, user_id: int) -> Any:
        """Return the account's newest rows."""
        rows, total = await self._rows.newest(user_id, EXPORT_ROWS_MAXIMUM)
        return await section_of(self._to_schema, rows, total)

    @override
    async def erase(self, user_id: int) -> None:
        """Delete the account's rows."""
        await self._rows.delete_all(user_id)


async def section_of[R](to_schema: Callable[[R], Any], rows: Sequence[R], total: int) -> dict[str, Any]:
    """Return a section of an export: the rows, at most the newest EXPORT_ROWS_MAXIMUM, and the total number.

    Converts the rows by `to_schema` off the event loop: a thousand rows take tens of milliseconds of CPU time.
    """
    return {"items": await run_in_hashing_thread(_converted, to_schema, rows), "total": total}


def _converted[R](to_schema: Callable[[R], Any], rows: Sequence[R]) -> list[Any]:
    return [to_schema(row) for row in rows]


@dataclass(frozen=True, slots=True)
class Mount:
    """A router and the path prefix of its operations, below `/api/v1` or, with `at_root`, below `/`.

    `is_metered` is false for operations that verify other accounts' keys: the caller's own rate limits would otherwise
    block the caller's customers.
    """

    path: str
    router: Router
    at_root: bool = False
    is_metered: bool = True


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """An admin list and its group in the menu, under its own name or `label`; the lowest `position` comes first.

    A list without an entry is reached by an AccountLink, from the page of each account.
    """

    group: str
    model: str
    position: int = 100
    label: str = ""


@dataclass(frozen=True, slots=True)
class AccountLink:
    """A link on an account's admin page to a page of the model, such as `api_keys.ApiKey`; by default to its list.

    It is displayed to staff who hold a scope of the page for one of the `verbs`. The account's id is the query
    parameter `parameter` of the page, or its argument if that is empty.
    """

    group: str
    label: str
    model: str
    page: str = "changelist"
    verbs: Sequence[str] = ("view", "change")
    parameter: str = "user__id__exact"
    is_hidden_when_deleted: bool = False

    @property
    def url_name(self) -> str:
        """The name of the page's URL."""
        return f"admin:{self.model.lower().replace('.', '_')}_{self.page}"

    @property
    def permissions(self) -> Sequence[str]:
        """Django's names of what the pages allow; StaffBackend answers them from scopes."""
        app, model = self.model.lower().split(".")
        return [f"{app}.{verb}_{model}" for verb in self.verbs]


@dataclass(frozen=True, slots=True)
class AuditKind:
    """A target kind of the audit trail. Erasing an account blanks every value except those of the fields in `plain`.

    The fields in `plain` contain no personal data and are kept: states, numbers, timestamps, scopes. With
    `is_internal`, the owner of the account that an event concerns does not see it.
    """

    name: str
    label: str
    plain: frozenset[str] = frozenset()
    is_internal: bool = False


@dataclass(frozen=True, slots=True)
class PersonalDataDeclaration:
    """The app's models with personal data: the labels of all models with a foreign key to users, such as
    `credits.CreditHold`.

    Each of them is `exported` or `not_exported`, and `erased` or `not_erased`, with the reason; a test reports missing
    ones. `section` is the name of the app's part of an export.
    """

    service: Callable[[], PersonalData]
    section: str = ""
    exported: Sequence[str] = ()
    erased: Sequence[str] = ()
    not_exported: Mapping[str, str] = field(default_factory=dict)
    not_erased: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OwnedEntity:
    """An entity that belongs to accounts: account link, audit kind, export and erasure in one.

    Its rows are exported as `out`, and deleted when their account is erased. `group` is that of the link; `plain` names
    the fields whose values the audit trail keeps, as `AuditKind` describes.
    """

    rows: OwnedRepository[Any]
    out: type[EntityOut]
    group: str
    plain: Sequence[str] = ()

    @property
    def account_link(self) -> AccountLink:
        """The link from an account's page to its rows."""
        return AccountLink(self.group, capfirst(self.rows.model._meta.verbose_name_plural), self._model)

    @property
    def audit_kind(self) -> AuditKind:
        """The kind of the entity in the audit trail."""
        return AuditKind(self.rows.kind, capfirst(self.rows.model._meta.verbose_name), frozenset(self.plain))

    @property
    def personal_data(self) -> PersonalDataDeclaration:
        """The export and erasure of the rows."""
        return PersonalDataDeclaration(
            service=lambda: OwnedPersonalData(self.rows, self.out.of),
            section=self.rows.model._meta.db_table,
            exported=[self._model],
            erased=[self._model],
        )

    @property
    def _model(self) -> str:
        return str(self.rows.model._meta.label)


@dataclass(frozen=True, slots=True)
class CleanUpTask:
    """A task that deletes expired rows of one kind. It is safe to run at any time, and concurrently.

    `run` deletes in small batches and returns the number of deleted rows. `deletes` completes the sentence "Deletes …"
    in the help of `manage.py clean_up`.
    """

    name: str
    deletes: str
    run: Callable[[], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class EncryptedField:
    """A column with secrets that were encrypted by `encrypt(…, purpose)`, such as `second_factors.TotpDevice`."""

    model: str
    name: str
    purpose: str


# Of accounts, by id with their e-mail addresses: until when the owner of each is locked out of signing in, if at all.
LockedAccounts = Callable[[Mapping[int, str]], Awaitable[Mapping[int, datetime]]]


@dataclass(frozen=True, kw_only=True, slots=True)
class AppDeclaration:
    """Everything that one app adds to the project."""

    mounts: Sequence[Mount] = ()
    entities: Sequence[OwnedEntity] = ()
    menu: Sequence[MenuEntry] = ()
    account_links: Sequence[AccountLink] = ()
    audit_kinds: Sequence[AuditKind] = ()
    personal_data: PersonalDataDeclaration | None = None
    clean_up_tasks: Sequence[CleanUpTask] = ()
    encrypted_fields: Sequence[EncryptedField] = ()
    background_jobs: Callable[[], Sequence[BackgroundJob]] = tuple
    locked_accounts: LockedAccounts | None = None


@cache
def app_declarations() -> dict[str, AppDeclaration]:
    """Return the declarations by app label. Requires that Django is set up."""
    found = {}
    for config in own_apps():
        name = f"{config.name}.declaration"
        if find_spec(name) is not None:
            found[config.label] = import_module(name).DECLARATION
    return found


def menu_entries() -> list[MenuEntry]:
    """Return the menu entries of all apps."""
    return [entry for app in app_declarations().values() for entry in app.menu]


def declared_account_links() -> list[AccountLink]:
    """Return the links on an account's page of all apps."""
    return [
        link
        for app in app_declarations().values()
        for link in (*app.account_links, *(entity.account_link for entity in app.entities))
    ]


@cache
def audit_kinds() -> dict[str, AuditKind]:
    """Return the target kinds of the audit trail, by name."""
    return {
        kind.name: kind
        for app in app_declarations().values()
        for kind in (*app.audit_kinds, *(entity.audit_kind for entity in app.entities))
    }


def internal_kinds() -> list[str]:
    """Return the target kinds whose events owners do not see."""
    return [kind.name for kind in audit_kinds().values() if kind.is_internal]


def personal_data_declarations() -> list[PersonalDataDeclaration]:
    """Return the declarations of personal data of all apps."""
    return [
        declared
        for app in app_declarations().values()
        for declared in (app.personal_data, *(entity.personal_data for entity in app.entities))
        if declared is not None
    ]


def clean_up_tasks() -> list[CleanUpTask]:
    """Return the clean-up tasks of all apps."""
    return [task for declaration in app_declarations().values() for task in declaration.clean_up_tasks]
