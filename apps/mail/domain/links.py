"""Links to the application's pages, as they stand in mail."""

from urllib.parse import quote, urlencode

from django.conf import settings


def link_to(page: str, **fragment: str) -> str:
    """Return `{APPLICATION_URL}/account/{page}#name=value&…`.

    The address is the operator's setting alone, never a request's Host header, which its sender chooses. Single-use
    tokens travel in the fragment: browsers send it to no server, so that it stands in no log and no Referer.
    """
    address = f"{settings.APPLICATION_URL}/account/{quote(page)}"
    return f"{address}#{urlencode(fragment, quote_via=quote)}" if fragment else address
