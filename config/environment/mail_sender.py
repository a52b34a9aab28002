"""Whom letters are from."""

import re
from email.headerregistry import Address, AddressHeader
from urllib.parse import urlsplit


def mailbox(value: str) -> str:
    """Return the one address, with or without a name before it; an empty one stands for none. Raises ValueError."""
    if value and not _is_mailbox(value):
        raise ValueError("must be one address, such as Example <no-reply@example.com>")
    return value


def default_sender(product_name: str, url: str) -> str:
    """Return the address of the product at the host of its URL, which nobody reads."""
    host = urlsplit(url).hostname or ""
    # An address is not a domain that mail could come from.
    is_domain = re.fullmatch(r"[a-z0-9.-]*[a-z][a-z0-9.-]*", host) is not None
    return str(Address(product_name, addr_spec=f"no-reply@{host if is_domain else 'localhost'}"))


def _is_mailbox(value: str) -> bool:
    if not value.isprintable():
        return False
    parsed = AddressHeader.value_parser(value)
    boxes = parsed.all_mailboxes
    return len(boxes) == 1 and not parsed.all_defects and bool(boxes[0].domain)
