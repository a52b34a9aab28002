"""An independent OpenID provider, npm's `oidc-provider`, on localhost."""

import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.support.node_packages import installed
from tests.support.server import PROJECT, free_port

SOURCES = PROJECT / "tests" / "support" / "oidc_provider"
CLIENT_ID, CLIENT_SECRET = "keyhouse-tests", "a secret+of/the:client%"
TIMED_CLIENT_ID = f"{CLIENT_ID}-timed"
ALGORITHMS = ("ES256", "EdDSA")
START_SECONDS = 20


@dataclass(frozen=True)
class RunningProvider:
    """A running provider."""

    issuer: str
    process: "subprocess.Popen[bytes]"


@contextmanager
def openid_provider(callbacks: Sequence[str]) -> Iterator[RunningProvider]:
    """Run a provider with these redirect URIs.

    It has a client for each algorithm of ID tokens, and one to which it always says when it authenticated the user.
    """
    directory = installed(SOURCES)
    port = free_port()
    client: dict[str, object] = {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "redirect_uris": list(callbacks),
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
    }
    others: list[dict[str, object]] = [
        {"client_id": TIMED_CLIENT_ID, "require_auth_time": True},
    ]
    others += [{"client_id": f"{CLIENT_ID}-{name}", "id_token_signed_response_alg": name} for name in ALGORITHMS]
    settings = {"port": port, "clients": [client, *({**client, **other} for other in others)]}
    process = _start(directory, settings)
    provider = RunningProvider(f"http://127.0.0.1:{port}", process)
    try:
        _wait_until_up(provider)
        yield provider
    finally:
        process.kill()
        process.wait()


def _start(directory: Path, settings: Mapping[str, object]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        ["node", "provider.mjs"],
        cwd=directory,
        env={**os.environ, "SETTINGS": json.dumps(settings)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _wait_until_up(provider: RunningProvider) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        assert provider.process.poll() is None, "the OpenID provider has ended"
        assert time.monotonic() < deadline, "the OpenID provider does not respond"
        try:
            if httpx.get(f"{provider.issuer}/.well-known/openid-configuration").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
