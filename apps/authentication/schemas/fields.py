"""The kinds of value that signing in takes."""

from typing import Annotated

from pydantic import StringConstraints

SecondFactorToken = Annotated[str, StringConstraints(min_length=1, max_length=100)]
