"""How a sign-in is answered."""

from ninja import Status

from apps.authentication.schemas.login import SecondFactorNeeded, TokenPair


def signed_in(outcome: TokenPair | SecondFactorNeeded) -> Status[TokenPair | SecondFactorNeeded]:
    """Return 200 with the pair, or 202 where a second factor is needed first."""
    return Status(202 if isinstance(outcome, SecondFactorNeeded) else 200, outcome)
