"""Leading browsers back to the application."""

import logging
from urllib.parse import urlencode

from apps.identities.models import Profile
from apps.identities.services.provider_errors import ProviderError
from apps.one_time_tokens.services.old_one_time_tokens import OneTimeTokens

logger = logging.getLogger("keyhouse.identities")


class ReturnRedirect:
    """Writes what came of it into the fragment, which browsers send to no server."""

    def __init__(self, codes: OneTimeTokens) -> None:
        self._codes = codes

    async def proven(self, return_to: str, profile: Profile, code_challenge: str) -> str:
        """Return the address with a code that stands for the profile, and no token."""
        code = await self._codes.issue_alone(None, {"profile": profile.as_data(), "code_challenge": code_challenge})
        return f"{return_to}#{urlencode({'code': code})}"

    def refused(self, return_to: str, provider: str, error: ProviderError) -> str:
        """Return the address with the error's code, and log why."""
        logger.warning("sign-in with %s: %s (%s)", provider, error.public_code, error.reason or "no reason given")
        return f"{return_to}#{urlencode({'error': error.public_code})}"
