"""Canonical e-mail addresses: one form per mailbox, so that addresses cannot look alike and look-ups are unambiguous.

Stored addresses are plain ASCII, and PostgreSQL folds their case by the "C" collation, which covers only ASCII. The
comparison of two addresses therefore depends on no database locale, and on no library's case folding.
"""

import re
import unicodedata

import idna
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

EMAIL_LENGTH_MAXIMUM = 254  # RFC 5321, 4.5.3.1.3, without the brackets
DOMAIN_LENGTH_MAXIMUM, LABEL_LENGTH_MAXIMUM = 253, 63  # RFC 1035, 2.3.4, as text
DOTS = re.compile("[.\u3002]")  # the characters that IDNA treats as a dot, after NFKC (RFC 3490, 3.1)


def canonical_email(text: str) -> str:
    """Return the address in its stored form. Other text is returned normalised, and matches no stored address.

    Full-width and other compatibility characters become plain ones (NFKC). The domain becomes its DNS form (IDNA 2008
    after UTS 46), in lower case. The local part keeps its case, which is significant (RFC 5321, 2.4).
    """
    local, at, domain = unicodedata.normalize("NFKC", text.strip()).rpartition("@")
    return f"{local}{at}{_dns_domain(domain)}"


def require_email(text: str) -> str:
    """Return the address in its canonical form. Raises ValueError, with a message for users, if it is not valid.

    The local part must be ASCII, which excludes look-alike letters of other scripts. Quoted local parts are invalid:
    they are aliases of other mailboxes and may contain control characters. So are IP addresses in brackets.
    """
    address = canonical_email(text)
    local, _, domain = address.rpartition("@")
    try:
        validate_email(address)
    except ValidationError as error:
        raise ValueError("is not an e-mail address") from error
    if not address.isascii():  # Django accepts a dotless i
        raise ValueError("is not an e-mail address")
    if local.startswith('"') or domain.startswith("["):
        raise ValueError("must be a plain e-mail address, without quotes or brackets")
    if len(address) > EMAIL_LENGTH_MAXIMUM:
        raise ValueError(f"must have at most {EMAIL_LENGTH_MAXIMUM} characters")
    return address


def _dns_domain(domain: str) -> str:
    # Encoding a label takes time quadratic in its length, and never makes it shorter.
    if len(domain) > DOMAIN_LENGTH_MAXIMUM or any(len(label) > LABEL_LENGTH_MAXIMUM for label in DOTS.split(domain)):
        return domain.lower()
    try:
        return idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        return domain.lower()
