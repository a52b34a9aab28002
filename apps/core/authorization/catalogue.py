"""The catalogue of the scopes that Keyhouse itself checks, each declared once with a description.

To add a scope, add one line here: then roles can hold it, and services can require it (docs/adding-an-entity.md). A
scope that is not declared here is a customer's own and has no meaning to Keyhouse.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class HeldBy(StrEnum):
    """Which accounts can hold a scope. Superusers hold all scopes."""

    EVERYONE = "everyone"  # every account, for its own data
    ROLES = "roles"  # accounts with a role that includes it: customers' services, and staff
    STAFF = "staff"  # members of staff with a role that includes it


@dataclass(frozen=True, slots=True)
class DeclaredScope:
    """A scope, named `area:action`, with the accounts that can hold it."""

    name: str
    description: str
    held_by: HeldBy


CATALOGUE: dict[str, DeclaredScope] = {}


def _declare(name: str, description: str, held_by: HeldBy = HeldBy.STAFF) -> str:
    CATALOGUE[name] = DeclaredScope(name, description, held_by)
    return name


# --- for every account, about its own data --------------------------------------------------------------------------

ACCOUNT_READ = _declare(
    "account:read", "Read your own account, its keys, credits, usage and identities.", HeldBy.EVERYONE
)
ACCOUNT_WRITE = _declare("account:write", "Change your own account and its keys.", HeldBy.EVERYONE)

# --- for services ---------------------------------------------------------------------------------------------------

KEYS_VERIFY = _declare("keys:verify", "Verify API keys. A valid call consumes rate limits and credits.", HeldBy.ROLES)
CREDITS_HOLD = _declare(
    "credits:hold", "Reserve a customer's credits, and capture or release the reservation.", HeldBy.ROLES
)
TOKENS_INTROSPECT = _declare("tokens:introspect", "Introspect tokens and API keys (RFC 7662).", HeldBy.ROLES)

# --- for staff, about all accounts ----------------------------------------------------------------------------------

CUSTOMERS_READ = _declare("customers:read", "Read accounts, the notes about them, and invitations.")
CUSTOMERS_WRITE = _declare("customers:write", "Create, change, invite, delete and restore customers.")
CUSTOMERS_NOTE = _declare("customers:note", "Write internal notes about customers, and delete one's own.")
CUSTOMERS_SUSPEND = _declare("customers:suspend", "Suspend and reactivate customers.")
KEYS_READ = _declare("keys:read", "Read customers' API keys, without their secrets, and why calls were refused.")
KEYS_WRITE = _declare("keys:write", "Create, change, rotate, revoke and delete customers' API keys.")
CREDITS_READ = _declare("credits:read", "Read customers' balances and the ledger.")
CREDITS_GRANT = _declare("credits:grant", "Add credits that customers have paid for: top-ups.")
CREDITS_ADJUST = _declare(
    "credits:adjust", "Give customers goodwill credits and refunds, and adjust their balances up or down."
)
PLANS_READ = _declare("plans:read", "Read plans in the admin, and how many accounts are on each.")
PLANS_WRITE = _declare("plans:write", "Create, change and delete plans.")
SECURITY_READ = _declare("security:read", "Read customers' sessions, lockouts, second factors and identities.")
SECURITY_WRITE = _declare(
    "security:write",
    "End sessions, unlock accounts, remove second factors, unlink identities and send password resets.",
)
AUDIT_READ = _declare("audit:read", "Read the audit trail.")
STAFF_READ = _declare("staff:read", "Read roles, and the sessions of members of staff.")
STAFF_MANAGE = _declare("staff:manage", "Change roles, give them to accounts, and change accounts of staff.")
SYSTEM_READ = _declare("system:read", "Read outgoing messages and the state of their delivery.")
SYSTEM_WRITE = _declare("system:write", "Send failed messages again, rotate signing keys and end all sessions.")


def _held_by(*kinds: HeldBy) -> frozenset[str]:
    return frozenset(scope.name for scope in CATALOGUE.values() if scope.held_by in kinds)


RESERVED_SCOPES = frozenset(CATALOGUE)
EVERYONES_SCOPES = _held_by(HeldBy.EVERYONE)
SERVICE_SCOPES = _held_by(HeldBy.ROLES)
STAFF_SCOPES = _held_by(HeldBy.STAFF)
ROLE_SCOPES = SERVICE_SCOPES | STAFF_SCOPES

# What an actor must hold to put a scope of everyone's on the key of another account: the key allows as much.
EQUIVALENTS: Mapping[str, frozenset[str]] = {
    ACCOUNT_READ: frozenset({CUSTOMERS_READ, KEYS_READ, CREDITS_READ, SECURITY_READ}),
    ACCOUNT_WRITE: frozenset({CUSTOMERS_WRITE, KEYS_WRITE}),
}
