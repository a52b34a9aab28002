"""E-mail addresses: one form for each mailbox, so that no two accounts look alike and every look-up finds the same one.

What is stored is plain ASCII, and PostgreSQL folds its case by the "C" collation, which knows ASCII alone. So no
database's locale, and no letter that some library folds to another, makes one address of two or two of one.
"""

import re
import unicodedata

import idna
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

EMAIL_LENGTH_MAXIMUM = 254  # RFC 5321, 4.5.3.1.3, without the brackets
DOMAIN_LENGTH_MAXIMUM, LABEL_LENGTH_MAXIMUM = 253, 63  # RFC 1035, 2.3.4, as text
DOTS = re.compile("[.\u3002]")  # after NFKC, what IDNA takes for a dot (RFC 3490, 3.1)


def canonical_email(text: str) -> str:
    """Return the address in the form in which it is stored; what is no address comes back and matches none.

    Full-width and other compatibility characters become plain ones (NFKC), and the domain becomes what DNS knows (IDNA
    2008 after UTS 46), in lower case. The local part keeps its case: it is the mailbox's own (RFC 5321, 2.4).
    """
    local, at, domain = unicodedata.normalize("NFKC", text.strip()).rpartition("@")
    return f"{local}{at}{_known_to_dns(domain)}"


def require_email(text: str) -> str:
    """Return the address in its canonical form; raises ValueError with a sentence for people if it is none.

    The local part is ASCII: a letter of another script that looks like one of it is refused. Quoted local parts are
    other names of the same mailboxes, and hold control characters; addresses in brackets name a machine.
    """
    address = canonical_email(text)
    local, _, domain = address.rpartition("@")
    try:
        validate_email(address)
    except ValidationError as error:
        raise ValueError("is not an e-mail address") from error
    if not address.isascii():  # Django takes an i without its dot for an i
        raise ValueError("is not an e-mail address")
    if local.startswith('"') or domain.startswith("["):
        raise ValueError("must be a plain e-mail address, without quotes and brackets")
    if len(address) > EMAIL_LENGTH_MAXIMUM:
        raise ValueError(f"must have at most {EMAIL_LENGTH_MAXIMUM} characters")
    return address


def _known_to_dns(domain: str) -> str:
    # Writing a label in ASCII takes the square of its length, and never makes it shorter.
    if len(domain) > DOMAIN_LENGTH_MAXIMUM or any(len(label) > LABEL_LENGTH_MAXIMUM for label in DOTS.split(domain)):
        return domain.lower()
    try:
        return idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        return domain.lower()
