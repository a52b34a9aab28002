"""Members of staff who are signed in to the admin."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from apps.users.models import User
from config.apps import discover_admin_pages
from tests.support.factories import make_staff, make_user
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
    """Sign in a member of staff who has only the permissions named, such as `api_keys.view_apikey`."""

    def sign_in(*names: str) -> Client:
        user = make_user(is_staff=True)
        for name in names:
            app, codename = name.split(".")
            user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
        return browser_of(user)

    return sign_in
