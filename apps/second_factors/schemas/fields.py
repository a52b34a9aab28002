"""The kinds of value that prove a second factor."""

from typing import Annotated

from pydantic import StringConstraints

# Six digits of an authenticator program, or a recovery code; spaces and hyphens are as people type them.
Code = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[0-9A-Za-z][0-9A-Za-z -]{4,38}$")]
Challenge = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]
