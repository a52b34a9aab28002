"""Looking accounts up."""

from typing import Annotated

from pydantic import StringConstraints

from apps.core.email_addresses import EMAIL_LENGTH_MAXIMUM
from apps.core.schemas.fields import Text
from apps.core.schemas.page import PageQuery


class UserQuery(PageQuery):
    """Which accounts: those whose address, user name or name contain `search`, and are active or not."""

    search: Annotated[Text, StringConstraints(max_length=EMAIL_LENGTH_MAXIMUM)] | None = None
    is_active: bool | None = None
