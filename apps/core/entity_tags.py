"""Entity tags: the versions of resources, by which a client changes only what it has read (RFC 9110, 8.8.3 and 13.1.1).

A tag is a digest of the resource's public representation without what its use changes, such as `last_used_at`. So it
differs whenever a change could be lost, and stays the same while a busy resource is only used.
"""

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

from apps.core.errors import PreconditionFailed

TAG_BYTES = 16


class Tagged(Protocol):
    """A resource with a version."""

    @property
    def entity_tag(self) -> str:
        """The version, as the header `ETag` has it."""


@dataclass(frozen=True, slots=True)
class Precondition:
    """The versions of which the resource must have one, or None for any. Check it while the resource is locked."""

    tags: frozenset[str] | None = None

    @property
    def is_conditional(self) -> bool:
        """Whether there is anything to check."""
        return self.tags is not None

    def require(self, resource: Tagged) -> None:
        """Raise PreconditionFailed unless the resource, which the transaction has locked, has one of the versions."""
        if self.tags is not None and resource.entity_tag not in self.tags:
            raise PreconditionFailed


ANY_VERSION = Precondition()


def entity_tag_of(content: bytes) -> str:
    """Return the strong entity tag of the content."""
    return f'"{urlsafe_b64encode(sha256(content).digest()[:TAG_BYTES]).rstrip(b"=").decode()}"'
