"""Members of staff who are signed in to the admin."""

import pytest
from django.test import Client

from apps.users.models import User
from config.apps import discover_admin_pages
from tests.support.factories import make_colleague, make_staff, make_user
from tests.support.staff_browser import browser_of

discover_admin_pages()  # tests read the pages that are registered


@pytest.fixture
def staff(database) -> User:
    """A superuser."""
    return make_staff(email="root@example.com", username="root")


@pytest.fixture
def browser(staff: User) -> Client:
    """The superuser's browser."""
    return browser_of(staff)


@pytest.fixture
def limited(database):
    """Sign in a member of staff who holds only the scopes named, such as `keys:read`."""

    def sign_in(*scopes: str) -> Client:
        return browser_of(make_colleague(*scopes) if scopes else make_user(is_staff=True))

    return sign_in
