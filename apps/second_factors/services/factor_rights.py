"""Who may change an account's second factors."""

from apps.core.errors import NotAllowed
from apps.core.security.principal import CredentialKind, Principal


def require_fresh(actor: Principal) -> int:
    """Return the account of whoever is signed in and has just proven it; raises StepUpRequired, NotAllowed."""
    actor.require_recent_proof()
    return actor.owner_id


def require_signed_in_staff(actor: Principal) -> int:
    """Return the account of a member of staff who is signed in to the admin, which asks for proof itself."""
    if actor.kind is not CredentialKind.SESSION:
        raise NotAllowed("This needs a signed-in session, not an API key.")
    return actor.owner_id


def require_superuser_in_person(actor: Principal) -> None:
    """Raise NotAllowed unless the caller is a superuser, or an operator, in person; StepUpRequired without fresh proof.

    A key of theirs is not enough: whoever has stolen one must not open other people's accounts with it.
    """
    actor.require_superuser()
    if actor.kind is CredentialKind.API_KEY:
        raise NotAllowed("This needs a signed-in session, not an API key.")
    if actor.session_id is not None:
        actor.require_recent_proof()
