"""The caller of an operation, and the caller's rights."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Self

from django.http import HttpRequest

from apps.core.authorization.catalogue import (
    ACCOUNT_READ,
    ACCOUNT_WRITE,
    CATALOGUE,
    EVERYONES_SCOPES,
    RESERVED_SCOPES,
    STAFF_SCOPES,
)
from apps.core.authorization.scopes import grants
from apps.core.errors import InsufficientScopes, NotAllowed, SecondFactorRequired, StepUpRequired


class CredentialKind(StrEnum):
    """How the caller authenticated."""

    SESSION = "session"
    API_KEY = "api_key"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller of an operation.

    `scopes` are the rights of the caller: of a session all that its user holds, of an API key its effective scopes,
    never more than its owner holds, of the operator, who runs commands on the server, all that are declared. `roles`
    are the user's roles; a key has none, because its rights are its scopes alone, and is never a superuser.
    """

    user_id: int | None
    kind: CredentialKind
    is_staff: bool = False
    is_superuser: bool = False
    scopes: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    session_id: int | None = None
    api_key_id: int | None = None
    # The credential of a key that expires before the key: a token, or a secret that a rotation has replaced.
    is_temporary: bool = False
    # SHA-256 of the secret of the key, or of that for which the token was issued. Changes of keys check it again.
    secret_digest: bytes = field(default=b"", repr=False)
    methods: frozenset[str] = frozenset()  # the authentication methods of the session (RFC 8176)
    recently_authenticated: bool = False
    # A staff session without the second factor that staff need. It has no staff rights.
    lacks_second_factor: bool = False
    reason: str = ""  # why the caller acts, for the audit events

    def because(self, reason: str) -> Self:
        """Return the caller, who acts for this reason; the audit trail records it with whatever they do."""
        return replace(self, reason=reason) if reason else self

    @property
    def owner_id(self) -> int:
        """The account that the caller acts for. Raises NotAllowed for the operator, who acts for none."""
        if self.user_id is None:
            raise NotAllowed("The operator has no account.")
        return self.user_id

    @property
    def reserved_scopes(self) -> tuple[str, ...]:
        """The declared scopes of the caller, in the catalogue's order."""
        return tuple(scope for scope in CATALOGUE if scope in self.scopes)

    def has_scope(self, scope: str) -> bool:
        """Return whether the credential grants `scope`."""
        return grants(self.scopes, scope)

    def has_role(self, name: str) -> bool:
        """Return whether the caller has the role. Superusers have all roles."""
        return name in self.roles or self.is_superuser

    def require_scope(self, scope: str) -> None:
        """Raise unless the credential grants `scope`.

        Raises SecondFactorRequired, NotAllowed for a scope of staff where the caller is not staff, InsufficientScopes.
        """
        if self.has_scope(scope):
            return
        self._require_second_factor()
        if scope in STAFF_SCOPES and not self.is_staff:
            raise NotAllowed
        raise InsufficientScopes.of(scope)

    def require_one_role(self, names: Collection[str]) -> None:
        """Raise NotAllowed unless the caller has one of these roles."""
        if not any(map(self.has_role, names)):
            raise NotAllowed(f"Only a user with the role {' or '.join(names)} may do this.")

    def require_reading(self, user_id: int, scope: str, own: str = ACCOUNT_READ) -> None:
        """Raise as `require_scope` does unless the caller may read the account's data.

        The account itself needs the scope `own`, which its sessions have. Others need `scope`.
        """
        self.require_scope(own if user_id == self.user_id else scope)

    def may_read(self, user_id: int, scope: str, own: str = ACCOUNT_READ) -> bool:
        """Return whether `require_reading` lets the caller read the account's data."""
        return self.has_scope(own if user_id == self.user_id else scope)

    def require_writing(self, user_id: int, scope: str, own: str = ACCOUNT_WRITE) -> None:
        """Raise as `require_scope` does unless the caller may change the account's data.

        The account itself needs the scope `own`, which its sessions have. Others need `scope`.
        """
        self.require_scope(own if user_id == self.user_id else scope)

    def require_other(self, user_id: int, reason: str) -> None:
        """Raise NotAllowed with the reason where the account is the caller's own."""
        if user_id == self.user_id:
            raise NotAllowed(reason)

    def require_superuser(self) -> None:
        """Raise NotAllowed, or SecondFactorRequired, unless the caller is a superuser."""
        if not self.is_superuser:
            self._require_second_factor()
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


OPERATOR = Principal(
    user_id=None, kind=CredentialKind.OPERATOR, is_staff=True, is_superuser=True, scopes=RESERVED_SCOPES
)
# A client that has not authenticated.
ANONYMOUS = Principal(user_id=None, kind=CredentialKind.SESSION)


def owner_of(user_id: int) -> Principal:
    """Return the principal of an account's owner who has authenticated and has no session yet."""
    return Principal(user_id=user_id, kind=CredentialKind.SESSION, scopes=EVERYONES_SCOPES)


class AuthenticatedRequest(HttpRequest):
    """A request that the global authenticator has authenticated."""

    auth: Principal
