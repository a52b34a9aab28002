"""The catalogue of the scopes that Keyhouse itself checks, each declared once with a description.

To add a scope, add one line here: then roles can hold it, and `require_scopes` can require it
(docs/adding-an-entity.md). A scope that is not declared here is a customer's own and has no meaning to Keyhouse.
"""

from dataclasses import dataclass
from enum import StrEnum


class HeldBy(StrEnum):
    """Which accounts hold a scope. Staff hold all scopes."""

    EVERYONE = "everyone"  # every account, for its own data
    ROLES = "roles"  # accounts with a role that includes it
    STAFF = "staff"  # staff only


@dataclass(frozen=True, slots=True)
class DeclaredScope:
    """A scope, named `area:action`, with the accounts that hold it."""

    name: str
    description: str
    held_by: HeldBy


CATALOGUE: dict[str, DeclaredScope] = {}


def _declare(name: str, description: str, held_by: HeldBy = HeldBy.ROLES) -> str:
    CATALOGUE[name] = DeclaredScope(name, description, held_by)
    return name


ACCOUNT_WRITE = _declare("keyhouse:account", "Change your own account, its keys and its sessions.", HeldBy.EVERYONE)
STAFF = _declare("keyhouse:staff", "Use your staff rights.", HeldBy.STAFF)
KEYS_VERIFY = _declare("keys:verify", "Verify API keys. A valid call consumes rate limits and credits.")
CREDITS_HOLD = _declare("credits:hold", "Reserve a customer's credits, and capture or release the reservation.")
TOKENS_INTROSPECT = _declare("tokens:introspect", "Introspect tokens and API keys (RFC 7662).")

RESERVED_SCOPES = frozenset(CATALOGUE)
EVERYONES_SCOPES = frozenset(scope.name for scope in CATALOGUE.values() if scope.held_by is HeldBy.EVERYONE)
ROLE_SCOPES = frozenset(scope.name for scope in CATALOGUE.values() if scope.held_by is HeldBy.ROLES)
