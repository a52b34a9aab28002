"""The caller of an operation, and the caller's rights."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from django.http import HttpRequest

from apps.core.authorization import scopes as scope_rules
from apps.core.authorization.catalogue import CATALOGUE
from apps.core.errors import InsufficientScopes, NotAllowed, SecondFactorRequired, StepUpRequired


class CredentialKind(StrEnum):
    """How the caller authenticated."""

    SESSION = "session"
    API_KEY = "api_key"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller of an operation.

    A session has all rights of its user. An API key may read its owner's account; to change the account, or to use its
    owner's staff rights, it needs a scope. The operator is the person who runs commands on the server.

    `scopes` are the effective scopes of an API key, never more than its owner holds, or the scopes of a user's roles.
    `roles` are the user's roles; a key has none, because its rights are its scopes alone.
    """

    user_id: int | None
    kind: CredentialKind
    is_staff: bool = False
    is_superuser: bool = False
    scopes: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    session_id: int | None = None
    api_key_id: int | None = None
    methods: frozenset[str] = frozenset()  # the authentication methods of the session (RFC 8176)
    recently_authenticated: bool = False
    # A staff session without the second factor that staff need. It has no staff rights.
    lacks_second_factor: bool = False

    @property
    def owner_id(self) -> int:
        """The account that the caller acts for. Raises NotAllowed for the operator, who acts for none."""
        if self.user_id is None:
            raise NotAllowed("The operator has no account.")
        return self.user_id

    @property
    def acts_as_staff(self) -> bool:
        """Whether the caller may use staff rights with this credential."""
        return self.is_staff and (self.kind is not CredentialKind.API_KEY or self.has_scope(scope_rules.STAFF))

    @property
    def reserved_scopes(self) -> tuple[str, ...]:
        """The declared scopes of the caller: to change the account, to use staff rights, and those of the roles.

        For staff, `keyhouse:staff` includes all staff rights.
        """
        may_write = self.kind is not CredentialKind.API_KEY or self.has_scope(scope_rules.ACCOUNT_WRITE)
        held = {scope_rules.ACCOUNT_WRITE: may_write, scope_rules.STAFF: self.acts_as_staff}
        return tuple(scope for scope in CATALOGUE if held.get(scope, scope in self.scopes))

    def has_scope(self, scope: str) -> bool:
        """Return whether the credential grants `scope`. A staff session and the operator have all scopes."""
        if self.kind is CredentialKind.API_KEY:
            return scope_rules.grants(self.scopes, scope)
        return self.is_staff or scope in scope_rules.EVERYONES_SCOPES or scope_rules.grants(self.scopes, scope)

    def has_role(self, name: str) -> bool:
        """Return whether the caller has the role. Superusers who may use their staff rights have all roles."""
        return name in self.roles or (self.is_superuser and self.acts_as_staff)

    def require_scope(self, scope: str) -> None:
        """Raise InsufficientScopes unless the credential grants `scope`."""
        if not self.has_scope(scope):
            self._require_second_factor()
            raise InsufficientScopes(f"The credential lacks the scope {scope}.")

    def require_one_role(self, names: Collection[str]) -> None:
        """Raise NotAllowed unless the caller has one of these roles."""
        if not any(map(self.has_role, names)):
            raise NotAllowed(f"Only a user with the role {' or '.join(names)} may do this.")

    def require_reading(self, user_id: int) -> None:
        """Raise NotAllowed unless the caller may read the user's data."""
        if user_id != self.user_id:
            self.require_staff()

    def require_writing(self, user_id: int, scope: str = scope_rules.ACCOUNT_WRITE) -> None:
        """Raise NotAllowed, or InsufficientScopes, unless the caller may change the user's data.

        A customer's key needs `scope`. A session of the user, and a caller with staff rights, do not.
        """
        self.require_reading(user_id)
        if self.kind is CredentialKind.API_KEY and not self.acts_as_staff:
            self.require_scope(scope)

    def require_staff(self) -> None:
        """Raise NotAllowed, or SecondFactorRequired, unless the caller may use staff rights."""
        if not self.acts_as_staff:
            self._require_second_factor()
            raise NotAllowed

    def require_superuser(self) -> None:
        """Raise NotAllowed unless the caller may use a superuser's rights."""
        self.require_staff()
        if not self.is_superuser:
            raise NotAllowed("Only a superuser may do this.")

    def require_session(self) -> int:
        """Return the session's id. Raises NotAllowed when the caller has no session."""
        if self.session_id is None:
            raise NotAllowed("This requires a session, not an API key. Sign in first.")
        return self.session_id

    def require_recent_authentication(self) -> None:
        """Raise StepUpRequired unless the session was recently authenticated, or NotAllowed without a session.

        Protects operations that an attacker with a stolen session must not perform. The operator is exempt.
        """
        if self.kind is CredentialKind.OPERATOR:
            return
        self.require_session()
        if not self.recently_authenticated:
            raise StepUpRequired

    def _require_second_factor(self) -> None:
        if self.lacks_second_factor:
            raise SecondFactorRequired("Sign in with a second factor to use staff rights.")


OPERATOR = Principal(user_id=None, kind=CredentialKind.OPERATOR, is_staff=True, is_superuser=True)
# A client that has not authenticated.
ANONYMOUS = Principal(user_id=None, kind=CredentialKind.SESSION)


def owner_of(user_id: int) -> Principal:
    """Return the principal of an account's owner who has authenticated and has no session yet."""
    return Principal(user_id=user_id, kind=CredentialKind.SESSION)


class AuthenticatedRequest(HttpRequest):
    """A request that the global authenticator has authenticated."""

    auth: Principal
