"""Who is calling, and by what right."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from apps.core.authorization import scopes as scope_rules
from apps.core.authorization.catalogue import CATALOGUE
from apps.core.errors import InsufficientScopes, NotAllowed, SecondFactorRequired, StepUpRequired


class CredentialKind(StrEnum):
    """How the caller proved who it is."""

    SESSION = "session"
    API_KEY = "api_key"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller of an operation.

    A session may do all that its user may. An API key may read its owner's own account; to change it, or to use
    its owner's staff rights, it needs a scope. The operator is whoever can run commands on the server.

    `scopes` are what an API key effectively has, never more than its owner holds, or what a user's roles give.
    `roles` are a user's; a key has none, for it does only what its scopes say.
    """

    user_id: int | None
    kind: CredentialKind
    is_staff: bool = False
    is_superuser: bool = False
    scopes: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    session_id: int | None = None
    api_key_id: int | None = None
    methods: frozenset[str] = frozenset()  # by which the owner of a session has proven who they are (RFC 8176)
    recently_authenticated: bool = False
    # A session of staff that has no second factor where staff need one: it is no member of staff's.
    lacks_second_factor: bool = False

    @property
    def owner_id(self) -> int:
        """The account the caller acts for; the operator acts for none."""
        if self.user_id is None:
            raise NotAllowed("The operator has no account.")
        return self.user_id

    @property
    def acts_as_staff(self) -> bool:
        """Whether the caller may use staff rights with this credential."""
        return self.is_staff and (self.kind is not CredentialKind.API_KEY or self.has_scope(scope_rules.STAFF))

    @property
    def reserved_scopes(self) -> tuple[str, ...]:
        """What the caller may do on Keyhouse itself, as scopes: change the account, use staff rights, what roles give.

        For staff `keyhouse:staff` stands for all that it lets them do.
        """
        may_write = self.kind is not CredentialKind.API_KEY or self.has_scope(scope_rules.ACCOUNT_WRITE)
        held = {scope_rules.ACCOUNT_WRITE: may_write, scope_rules.STAFF: self.acts_as_staff}
        return tuple(scope for scope in CATALOGUE if held.get(scope, scope in self.scopes))

    def has_scope(self, scope: str) -> bool:
        """Return whether the credential grants `scope`; a staff session and the operator have all."""
        if self.kind is CredentialKind.API_KEY:
            return scope_rules.grants(self.scopes, scope)
        return self.is_staff or scope in scope_rules.EVERYONES_SCOPES or scope_rules.grants(self.scopes, scope)

    def has_role(self, name: str) -> bool:
        """Return whether the caller has the role; who may use a superuser's rights has them all."""
        return name in self.roles or (self.is_superuser and self.acts_as_staff)

    def require_scope(self, scope: str) -> None:
        """Raise InsufficientScopes unless the credential grants `scope`."""
        if not self.has_scope(scope):
            self._require_second_factor()
            raise InsufficientScopes(f"This needs the scope {scope}.")

    def require_one_role(self, names: Collection[str]) -> None:
        """Raise NotAllowed unless the caller has one of these roles."""
        if not any(map(self.has_role, names)):
            raise NotAllowed(f"This needs a user with the role {' or '.join(names)}.")

    def require_reading(self, user_id: int) -> None:
        """Raise NotAllowed unless the caller may see what belongs to the user."""
        if user_id != self.user_id:
            self.require_staff()

    def require_writing(self, user_id: int, scope: str = scope_rules.ACCOUNT_WRITE) -> None:
        """Raise NotAllowed, or InsufficientScopes, unless the caller may change what belongs to the user.

        A customer's key needs `scope` for that; a session of the user, and staff rights, do without.
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
        """Return the session's id; raises NotAllowed when the caller did not sign in."""
        if self.session_id is None:
            raise NotAllowed("This needs a signed-in session, not an API key.")
        return self.session_id

    def require_recent_authentication(self) -> None:
        """Raise StepUpRequired unless the caller has just proven who they are; NotAllowed without a session.

        For what whoever has stolen a session must not do. The operator need not.
        """
        if self.kind is CredentialKind.OPERATOR:
            return
        self.require_session()
        if not self.recently_authenticated:
            raise StepUpRequired

    def _require_second_factor(self) -> None:
        if self.lacks_second_factor:
            raise SecondFactorRequired("Staff must sign in with a second factor.")


OPERATOR = Principal(user_id=None, kind=CredentialKind.OPERATOR, is_staff=True, is_superuser=True)
# Whoever has not shown yet who they are.
ANONYMOUS = Principal(user_id=None, kind=CredentialKind.SESSION)


def owner_of(user_id: int) -> Principal:
    """Return the account's owner, as whoever has shown to be it acts before there is a session."""
    return Principal(user_id=user_id, kind=CredentialKind.SESSION)
