"""A page of somebody's application, at an origin of its own, that signs people in with Keyhouse."""

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
  const answer = await fetch(`${api}/api/v1/auth/${path}`, {method: "POST", headers, body: JSON.stringify(body)});
  return {status: answer.status, body: await answer.json()};
}

// Asks for options, has the browser answer them, and sends the answer; the status is 0 where the browser refuses.
async function create(api, path, token) {
  const asked = (await call(api, `${path}/options`, {}, token)).body;
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(asked.options);
  const credential = (await navigator.credentials.create({publicKey})).toJSON();
  return call(api, path, {challenge: asked.challenge, name: "virtual", credential}, token);
}

async function get(api, path, more, token) {
  const asked = (await call(api, `${path}/options`, more, token)).body;
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(asked.options);
  let credential;
  try {
    credential = (await navigator.credentials.get({publicKey})).toJSON();
  } catch (error) {
    return {status: 0, body: error.name};
  }
  return call(api, path, {challenge: asked.challenge, credential, ...more}, token);
}

async function prove(api, token) {
  const asked = (await call(api, "step-up/passkey/options", {}, token)).body;
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(asked.options);
  const credential = (await navigator.credentials.get({publicKey})).toJSON();
  return call(api, "step-up", {passkey: {challenge: asked.challenge, credential}}, token);
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
        """Keep quiet."""


@contextmanager
def application_page() -> Iterator[str]:
    """Serve it, and return its origin."""
    server = HTTPServer(("127.0.0.1", 0), _Page)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://localhost:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
