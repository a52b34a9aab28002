"""What an app adds to the whole, in one place: `DECLARATION` of its `declaration.py`.

The API, the admin's navigation, personal data, the audit trail, clean-up and their tests read the declarations of all
installed apps. Adding an app edits none of them.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ninja import Router

from apps.core.background.background_job import BackgroundJob
from apps.core.declarations.personal_data import PersonalData


@dataclass(frozen=True, slots=True)
class Mount:
    """Where a router's operations stand; `path` begins below `/api/v1`, or at the root with `at_root`.

    `is_metered` is false for services that ask about others' keys: their own rate limits would refuse their customers.
    """

    path: str
    router: Router
    at_root: bool = False
    is_metered: bool = True


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """A list of the admin, and the group of the menu in which it stands; a lower `position` comes first."""

    group: str
    model: str
    position: int = 100


@dataclass(frozen=True, slots=True)
class AccountLink:
    """A link on an account's page of the admin, shown to staff who have one of the permissions.

    `url` is the name of an admin page; the account's id is its argument, or with `parameter` stands in its query.
    """

    group: str
    label: str
    url: str
    permissions: Sequence[str]
    parameter: str = ""
    is_for_living: bool = False


@dataclass(frozen=True, slots=True)
class AuditKind:
    """A kind of target in the audit trail. When an account is erased, every value is blanked that is not `plain`.

    `plain` are the fields whose values say nothing of a person and are kept: states, numbers, moments, scopes.
    """

    name: str
    label: str
    plain: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class PersonalDataDeclaration:
    """What the app keeps of a person, by the labels of the models that have a key to users, such as
    `credits.CreditHold`.

    Each of these is exported or `not_exported`, and erased or `not_erased`, with the reason; a test finds what is
    missing. `section` names the app's part of an export.
    """

    service: Callable[[], PersonalData]
    section: str = ""
    exported: Sequence[str] = ()
    erased: Sequence[str] = ()
    not_exported: Mapping[str, str] = field(default_factory=dict)
    not_erased: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CleanUpTask:
    """Deletes expired rows of one kind in small batches and returns how many; safe at any time, and several at once.

    `deletes` completes the sentence "Deletes …" in the help of `manage.py clean_up`.
    """

    name: str
    deletes: str
    run: Callable[[], Awaitable[int]]


@dataclass(frozen=True, kw_only=True, slots=True)
class AppDeclaration:
    """What one app adds."""

    mounts: Sequence[Mount] = ()
    menu: Sequence[MenuEntry] = ()
    account_links: Sequence[AccountLink] = ()
    audit_kinds: Sequence[AuditKind] = ()
    personal_data: PersonalDataDeclaration | None = None
    clean_up_tasks: Sequence[CleanUpTask] = ()
    background_jobs: Callable[[], Sequence[BackgroundJob]] = tuple
