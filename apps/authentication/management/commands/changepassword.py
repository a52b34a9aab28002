"""`manage.py changepassword`, in place of Django's."""

import getpass
from typing import Any

from django.contrib.auth.management.commands import changepassword
from django.core.management.base import CommandError

from apps.authentication.dependencies import password_service
from apps.core.authorization.principal import OPERATOR
from apps.core.crypto.passwords import PASSWORD_LENGTH_MAXIMUM
from apps.core.errors import DomainError, ValidationFailed
from apps.core.event_loop import call_service
from apps.core.management.service_command import DocumentedCommand
from apps.core.values.shown_texts import escaped
from apps.users.dependencies import user_service

TRIES = 3


class Command(DocumentedCommand, changepassword.Command):
    """Django's command, through the service: every session of the account ends, and an audit event is recorded."""

    help = "Change the password of the account with this e-mail address, and end all its sessions."
    examples = ("manage.py changepassword ann@example.com",)

    def handle(self, *_args: Any, **options: Any) -> str:
        """Ask for the new password, up to TRIES times."""
        email = options["username"] or getpass.getuser()
        try:
            user_id = call_service(user_service().id_of_email, email)
            self.stdout.write(f"Changing password for user '{escaped(email)}'")
            for _ in range(TRIES):
                if self._is_set(user_id):
                    return f"Password changed successfully for user '{escaped(email)}'"
        except DomainError as error:
            raise CommandError(error.public_message) from error
        raise CommandError(f"Aborting password change for user '{escaped(email)}' after {TRIES} attempts")

    def _is_set(self, user_id: int) -> bool:
        ask = self._get_pass  # type: ignore[attr-defined]  # the stubs leave it out
        password, again = ask(), ask("Password (again): ")
        if password != again:
            self.stdout.write("The passwords do not match. Try again.")
            return False
        if len(password) > PASSWORD_LENGTH_MAXIMUM:
            self.stderr.write(f"A password has at most {PASSWORD_LENGTH_MAXIMUM} characters.")
            return False
        try:
            call_service(password_service().set, OPERATOR, user_id, password)
        except ValidationFailed as refusal:
            self.stderr.write("\n".join(detail.message for detail in refusal.details))
            return False
        return True
