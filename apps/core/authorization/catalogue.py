"""The catalogue: each scope that means something to Keyhouse, declared once, with what it lets its bearer do.

One of your own is one more line here: then roles may give it, and `require_scopes` ask for it
(docs/adding-an-entity.md). Whatever is not declared is a customer's own word, and theirs to give.
"""

from dataclasses import dataclass
from enum import StrEnum


class HeldBy(StrEnum):
    """Who holds a scope. Staff hold all of them."""

    EVERYONE = "everyone"  # each account, over what is its own
    ROLES = "roles"  # those to whom a role gives it
    STAFF = "staff"  # staff alone


@dataclass(frozen=True, slots=True)
class DeclaredScope:
    """A scope, as `area:action`, and who holds it."""

    name: str
    description: str
    held_by: HeldBy


CATALOGUE: dict[str, DeclaredScope] = {}


def _declare(name: str, description: str, held_by: HeldBy = HeldBy.ROLES) -> str:
    CATALOGUE[name] = DeclaredScope(name, description, held_by)
    return name


ACCOUNT_WRITE = _declare("keyhouse:account", "Change one's own account, its keys and sessions.", HeldBy.EVERYONE)
STAFF = _declare("keyhouse:staff", "Use one's staff rights.", HeldBy.STAFF)
KEYS_VERIFY = _declare("keys:verify", "Ask whether a key may make a call; an allowed one uses up limits and credits.")
CREDITS_HOLD = _declare("credits:hold", "Reserve a customer's credits, and capture or release what is reserved.")
TOKENS_INTROSPECT = _declare("tokens:introspect", "Ask what a token or a key may do (RFC 7662).")

RESERVED_SCOPES = frozenset(CATALOGUE)
EVERYONES_SCOPES = frozenset(scope.name for scope in CATALOGUE.values() if scope.held_by is HeldBy.EVERYONE)
ROLE_SCOPES = frozenset(scope.name for scope in CATALOGUE.values() if scope.held_by is HeldBy.ROLES)
