"""Canonical texts, so that a look-up or a search finds a text however it is typed.

Names are stored, and searched, in the composed form (NFC) without surrounding blanks. E-mail addresses are stored in
the form of `email_addresses.py`, and each part of one that is searched becomes that form. PostgreSQL folds case.
"""

import unicodedata

from apps.core.values.email_addresses import canonical_email


def canonical_text(text: str) -> str:
    """Return the text as names are stored: composed (NFC), without surrounding blanks."""
    return unicodedata.normalize("NFC", text).strip()


def search_spellings(term: str) -> list[str]:
    """Return the term as names are stored, then, if it differs by more than case, as addresses are stored.

    A part of an address is converted if it holds whole labels of the domain: `bücher.example` or `bücher` finds
    `xn--bcher-kva.example`, `büch` does not. A term without any characters but blanks has no spelling.
    """
    name, address = canonical_text(term), canonical_email(term)
    spellings = [name] if address.lower() == name.lower() else [name, address]
    return [spelling for spelling in spellings if spelling]
