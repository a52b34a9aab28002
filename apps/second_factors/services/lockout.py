"""What whoever has typed too many wrong codes is told."""

from apps.core.errors import TooManyRequests


def refuse_for(seconds: int) -> None:
    """Raise TooManyRequests if there is something to wait for."""
    if seconds:
        raise TooManyRequests("Too many wrong codes.", code="LOCKED_OUT", retry_after_seconds=seconds)
