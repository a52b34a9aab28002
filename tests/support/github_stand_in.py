"""A stand-in for GitHub, implemented after GitHub's documentation, because tests cannot sign in at GitHub itself."""

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

CLIENT_ID, CLIENT_SECRET = "github-client", "github-secret"


@dataclass
class GitHubStandIn:
    """The state of the stand-in: the signed-in user, and the issued codes and tokens."""

    url: str = ""
    user: dict[str, Any] = field(default_factory=lambda: {"id": 583231, "login": "octocat", "name": "The Octocat"})
    emails: list[dict[str, Any]] = field(default_factory=list)
    codes: dict[str, str] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=set)

    def authorize(self, query: dict[str, str]) -> str:
        """Issue a code, and return the URL to redirect the browser to."""
        code = secrets.token_hex(10)
        self.codes[code] = query["code_challenge"]
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def redeem(self, form: dict[str, str]) -> dict[str, str]:
        """Return the token or the error. GitHub sends both with the status 200."""
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return {"error": "incorrect_client_credentials"}
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=")
        if self.codes.pop(form["code"], None) != challenge.decode():
            return {"error": "bad_verification_code"}
        token = f"gho_{secrets.token_hex(18)}"
        self.tokens.add(token)
        return {"access_token": token, "token_type": "bearer", "scope": "read:user,user:email"}

    def about(self, path: str, authorization: str) -> tuple[int, Any]:
        """Return the status and the document at this path, for the holder of a token."""
        if authorization.removeprefix("Bearer ") not in self.tokens:
            return 401, {"message": "Bad credentials"}
        documents = {"/api/v3/user": self.user, "/api/v3/user/emails": self.emails}
        return (200, documents[path]) if path in documents else (404, {})


@contextmanager
def github_stand_in() -> Iterator[GitHubStandIn]:
    """Serve the stand-in inside the block."""
    stand_in = GitHubStandIn()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(stand_in))
    stand_in.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield stand_in
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(stand_in: GitHubStandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path == "/login/oauth/authorize":
                self.send_response(302)
                self.send_header("Location", stand_in.authorize(dict(parse_qsl(parts.query))))
                self.end_headers()
            else:
                self._json(*stand_in.about(parts.path, self.headers.get("Authorization", "")))

        def do_POST(self) -> None:
            form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
            self._json(200, stand_in.redeem(form))

        def _json(self, status: int, content: Any) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    return Handler
