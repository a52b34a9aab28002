"""What staff may enter to find keys: a part of the metadata, a visible prefix, or a complete key."""

import re
from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from pydantic import ValidationError

from apps.api_keys.dependencies import key_secrets
from apps.api_keys.models import ApiKeySecret
from apps.api_keys.schemas.api_key import ApiKeyQuery
from apps.api_keys.services import key_format
from apps.core.errors import NotFound
from apps.core.event_loop import call_service

_word = re.compile(r"\S+")

CHANGE_PAGE = "admin:api_keys_apikey_change"


def metadata_of(term: str) -> dict[str, Any] | None:
    """Return the part of metadata that the term names, a JSON object, or None."""
    try:
        return ApiKeyQuery.model_validate({"metadata": term}).metadata
    except ValidationError:
        return None


def is_secret(term: str) -> bool:
    """Return whether the term is a complete API key."""
    return key_format.is_well_formed(term.strip())


def key_id_of(secret: str) -> int | None:
    """Return the id of the key that has this secret, or None."""
    try:
        return call_service(key_secrets().key_id_of, secret.strip())
    except NotFound:
        return None


def redirect_to_key(request: HttpRequest, secret: str) -> HttpResponse:
    """Redirect to the page of the key that has this secret, or to the list, with a message."""
    user: Any = request.user
    key_id = key_id_of(secret) if user.has_perm("api_keys.view_apikey") else None
    if key_id is None:
        messages.warning(request, "No API key has this secret.")
        return HttpResponseRedirect(reverse("admin:api_keys_apikey_changelist"))
    return HttpResponseRedirect(reverse(CHANGE_PAGE, args=[key_id]))


def without_secrets(term: str) -> str:
    """Return the term with each key cut to its visible prefix: in quotes or after a header's name too.

    So is each word that begins like a key, of an environment that does not exist. What is between words stays: request
    ids are exact.
    """
    return _word.sub(_visible, key_format.without_secrets(term))


def _visible(found: re.Match[str]) -> str:
    word = found[0]
    return key_format.visible_prefix(word) if word.startswith(key_format.KEY_START) else word


def has_prefix(text: str) -> Q:
    """Return the condition of the keys with a secret that begins with the text."""
    return Q(pk__in=ApiKeySecret.objects.filter(prefix__startswith=text).values("api_key"))
