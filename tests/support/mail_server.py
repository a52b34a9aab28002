"""A real mail server (aiosmtpd) on localhost, which collects the messages that it receives."""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509 import (
    BasicConstraints,
    Certificate,
    CertificateBuilder,
    IPAddress,
    Name,
    NameAttribute,
    SubjectAlternativeName,
    random_serial_number,
)
from cryptography.x509.oid import NameOID

from tests.support.server import free_port

ADDRESS = "127.0.0.1"


@dataclass
class Inbox:
    """The received messages, and the server's replies: `replies` to RCPT, `data_reply` to DATA.

    `quit_delay_seconds` is the delay of the reply to QUIT.
    """

    port: int
    messages: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    replies: list[str] = field(default_factory=list)
    data_reply: str = "250 OK"
    quit_delay_seconds: float = 0

    @property
    def url(self) -> str:
        """The MAIL_URL of this server, without TLS."""
        return f"smtp://{ADDRESS}:{self.port}?starttls=false"

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        if self.replies:
            return self.replies.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        if self.data_reply.startswith("250"):
            self.messages.append(message_from_bytes(envelope.content, _class=EmailMessage, policy=default))
            self.recipients.extend(envelope.rcpt_tos)
        return self.data_reply

    async def handle_QUIT(self, _server: Any, _session: Any, _envelope: Any) -> str:  # noqa: N802
        await asyncio.sleep(self.quit_delay_seconds)
        return "221 Bye"


@contextmanager
def mail_server(port: int | None = None, inbox: Inbox | None = None, **options: Any) -> Iterator[Inbox]:
    """Serve inside the block. `options` are aiosmtpd's."""
    inbox = inbox or Inbox(port or free_port())
    controller = Controller(inbox, hostname=ADDRESS, port=inbox.port, **options)
    controller.start()
    try:
        yield inbox
    finally:
        controller.stop()


def self_signed_tls(directory: Path) -> tuple[ssl.SSLContext, Path]:
    """Return a TLS context with a self-signed certificate for localhost, and the path of the certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _certificate(key)
    file, private = directory / "certificate.pem", directory / "key.pem"
    file.write_bytes(certificate.public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, private)
    return context, file


def _certificate(key: ec.EllipticCurvePrivateKey) -> Certificate:
    name = Name([NameAttribute(NameOID.COMMON_NAME, "mail server of the tests")])
    now = datetime.now(UTC)
    return (
        CertificateBuilder(name, name, key.public_key(), random_serial_number(), now, now + timedelta(days=1))
        .add_extension(SubjectAlternativeName([IPAddress(ip_address(ADDRESS))]), critical=False)
        .add_extension(BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
