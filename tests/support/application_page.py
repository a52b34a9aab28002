"""A page of a customer's application, at its own origin, that signs users in with Keyhouse."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

PAGE = b"""<!DOCTYPE html>
<title>An application</title>
<script>
async function call(api, path, body, token) {
  const headers = {"Content-Type": "application/json"};
  if (token) headers.Authorization = `Bearer ${token}`;
  const response = await fetch(`${api}/api/v1/auth/${path}`, {method: "POST", headers, body: JSON.stringify(body)});
  return {status: response.status, body: await response.json()};
}

// Requests the options, creates a passkey in the browser, and sends it.
async function create(api, path, token) {
  const challenge = (await call(api, `${path}/options`, {}, token)).body;
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(challenge.options);
  const credential = (await navigator.credentials.create({publicKey})).toJSON();
  return call(api, path, {challenge: challenge.challenge, name: "virtual", credential}, token);
}

// Requests the options, signs with a passkey in the browser, and sends it. The status is 0 if the browser refuses.
async function get(api, path, more, token) {
  const challenge = (await call(api, `${path}/options`, more, token)).body;
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(challenge.options);
  let credential;
  try {
    credential = (await navigator.credentials.get({publicKey})).toJSON();
  } catch (error) {
    return {status: 0, body: error.name};
  }
  return call(api, path, {challenge: challenge.challenge, credential, ...more}, token);
}

async function reauthenticate(api, token) {
  const challenge = (await call(api, "step-up/passkey/options", {}, token)).body;
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(challenge.options);
  const credential = (await navigator.credentials.get({publicKey})).toJSON();
  return call(api, "step-up", {passkey: {challenge: challenge.challenge, credential}}, token);
}
</script>
"""


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_arguments: object) -> None:
        """Log nothing."""


@contextmanager
def application_page() -> Iterator[str]:
    """Serve the page, and yield its origin."""
    server = HTTPServer(("127.0.0.1", 0), _Page)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://localhost:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
