"""The providers that users may sign in with: OAUTH_PROVIDERS names them, OAUTH_<NAME>_… configure each."""

import os
import re
import sys
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from apps.identities.domain.provider import PRESETS, Preset, Provider, ProviderKind
from config.environment.addresses import AddressSettings, base_url
from config.environment.variables import CommaSeparated

NAME = re.compile(r"[a-z][a-z0-9_]{0,29}")
LABEL = re.compile(r"\w[\w .&+'()-]{0,49}")
SCOPES = re.compile(r"[!#-\[\]-~]+( [!#-\[\]-~]+)*")  # RFC 6749, 3.3
SETTINGS = ("CLIENT_ID", "CLIENT_SECRET", "ISSUER", "SCOPES", "LABEL")
UNKNOWN = Preset("", ProviderKind.OPENID, "")


class SignInProviderSettings(AddressSettings):
    """The names of the providers, and the pages of the application that sign-ins return to."""

    oauth_providers: CommaSeparated = []
    oauth_redirect_allowlist: CommaSeparated = []


def load_providers(environment: SignInProviderSettings) -> tuple[Provider, ...]:
    """Return the configured providers, or end the process with one line that says what is wrong."""
    try:
        return providers(environment, os.environ)
    except ValueError as error:
        sys.exit(f"keyhouse: {error}")


def providers(environment: SignInProviderSettings, variables: Mapping[str, str]) -> tuple[Provider, ...]:
    """Return the providers in the order of their names in OAUTH_PROVIDERS.

    Raises ValueError with `VARIABLE: reason`, which repeats no value: it may be a secret.
    """
    names = environment.oauth_providers
    for number, name in enumerate(names, start=1):
        if not NAME.fullmatch(name) or name in names[: number - 1]:
            raise ValueError(
                f"OAUTH_PROVIDERS: entry {number} must be a name of lower-case letters, digits and _, used once"
            )
    return tuple(_provider(name, variables, is_production=environment.is_production) for name in names)


def redirect_allowlist(environment: SignInProviderSettings) -> frozenset[str]:
    """Return the URLs that browsers may be redirected back to; ends the process if one is missing or invalid.

    Keyhouse has no page of its own for this: only the application that started a sign-in has the verifier to complete
    it.
    """
    addresses = environment.oauth_redirect_allowlist or _page_of_application(environment)
    if environment.oauth_providers and not addresses:
        sys.exit(
            "keyhouse: OAUTH_REDIRECT_ALLOWLIST: must be set to the URL that sign-ins return to, because "
            "OAUTH_PROVIDERS is set and APPLICATION_URL is not"
        )
    for number, address in enumerate(addresses, start=1):
        if not _is_page(address, is_production=environment.is_production):
            sys.exit(
                f"keyhouse: OAUTH_REDIRECT_ALLOWLIST: entry {number} must be a whole https:// address without "
                "user, query or fragment"
            )
    return frozenset(addresses)


def _page_of_application(environment: SignInProviderSettings) -> list[str]:
    is_elsewhere = environment.links_url != environment.own_url
    return [f"{environment.links_url}/account/signed-in"] if is_elsewhere else []


def _provider(name: str, variables: Mapping[str, str], *, is_production: bool) -> Provider:
    preset = PRESETS.get(name, UNKNOWN)
    values = {setting: variables.get(_variable(name, setting), "").strip() for setting in SETTINGS}
    issuer = values["ISSUER"] or preset.issuer
    required = {"CLIENT_ID": values["CLIENT_ID"], "CLIENT_SECRET": values["CLIENT_SECRET"], "ISSUER": issuer}
    for setting, value in required.items():
        _require(bool(value), name, setting, "must be set, because OAUTH_PROVIDERS names the provider")
    _require(_is_issuer(issuer, is_production=is_production), name, "ISSUER", "must be an https:// address")
    scopes = values["SCOPES"] or preset.scopes
    _require(bool(SCOPES.fullmatch(scopes)), name, "SCOPES", "must be scopes separated by single spaces")
    if preset.kind is not ProviderKind.GITHUB:
        _require("openid" in scopes.split(), name, "SCOPES", "must include openid")
    label = values["LABEL"] or preset.label or name.replace("_", " ").title()
    _require(bool(LABEL.fullmatch(label)), name, "LABEL", "must be a short name for a button")
    return Provider(name, label, preset.kind, issuer, scopes, values["CLIENT_ID"], values["CLIENT_SECRET"])


def _variable(name: str, setting: str) -> str:
    return f"OAUTH_{name.upper()}_{setting}"


def _require(condition: bool, name: str, setting: str, reason: str) -> None:
    if not condition:
        raise ValueError(f"{_variable(name, setting)}: {reason}")


def _is_issuer(address: str, *, is_production: bool) -> bool:
    # An issuer may end in a slash, which is significant.
    return _is_page(address, is_production=is_production)


def _is_page(address: str, *, is_production: bool) -> bool:
    try:
        base_url(address.removesuffix("/"))
    except ValueError:
        return False
    parts = urlsplit(address)
    return parts.scheme == "https" or (not is_production and _is_loopback(parts.hostname or ""))


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
