"""Links in messages to pages of the application."""

from urllib.parse import quote, urlencode

from django.conf import settings


def link_to(page: str, **fragment: str) -> str:
    """Return `{APPLICATION_URL}/account/{page}#name=value&…`.

    The base address is the operator's setting, never the Host header of a request, which the client chooses. Single-use
    tokens travel in the fragment, which browsers send to no server: it appears in no log and no Referer header.
    """
    address = f"{settings.APPLICATION_URL}/account/{quote(page)}"
    return f"{address}#{urlencode(fragment, quote_via=quote)}" if fragment else address
