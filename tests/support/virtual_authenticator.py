"""A passkey authenticator inside Chromium."""

from typing import Any

from playwright.sync_api import CDPSession


class VirtualAuthenticator:
    """Chromium's virtual authenticator, with simulated user presence."""

    def __init__(self, devtools: CDPSession) -> None:
        self._devtools = devtools
        devtools.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        self._id = {
            "authenticatorId": devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})[
                "authenticatorId"
            ]
        }

    def verifies_its_user(self, is_verified: bool) -> None:
        self._devtools.send("WebAuthn.setUserVerified", {**self._id, "isUserVerified": is_verified})

    def credential(self) -> dict[str, Any]:
        """Return the only passkey, with its private key and its signature counter."""
        (credential,) = self._devtools.send("WebAuthn.getCredentials", self._id)["credentials"]
        found: dict[str, Any] = credential
        return found

    def restore_sign_count(self, sign_count: int) -> None:
        """Reset the signature counter, as in an older copy of the authenticator."""
        copy = {**self.credential(), "signCount": sign_count}
        self._devtools.send("WebAuthn.removeCredential", {**self._id, "credentialId": copy["credentialId"]})
        self._devtools.send("WebAuthn.addCredential", {**self._id, "credential": copy})
