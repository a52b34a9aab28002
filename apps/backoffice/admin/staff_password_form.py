"""The form by which staff change their own password, through the service that the API uses too."""

from typing import Any

from django.contrib.admin.forms import AdminPasswordChangeForm
from pydantic import ValidationError

from apps.authentication.dependencies import password_service
from apps.authentication.schemas.password import PasswordChange
from apps.core.admin.acting_staff import principal_of
from apps.core.crypto.passwords import PASSWORD_LENGTH_MAXIMUM
from apps.core.errors import DomainError, StepUpRequired, WrongPassword
from apps.core.event_loop.sync_calls import call_service


class StaffPasswordForm(AdminPasswordChangeForm):
    """The service checks both passwords, counts wrong ones, stores the new one and records the audit event."""

    def clean_old_password(self) -> str:
        """Leave the check to the service, which limits the attempts."""
        return str(self.cleaned_data["old_password"])

    def clean(self) -> dict[str, Any]:
        """Change the password when the fields are complete, or show the reason why not."""
        self.validate_passwords("new_password1", "new_password2")
        if not self.errors:
            self._change()
        return self.cleaned_data

    def save(self, commit: bool = True) -> Any:
        """Return the account with its new hash, from which Django derives the browser's session."""
        self.user.refresh_from_db(fields=["password"])
        return self.user

    def _change(self) -> None:
        passwords = {
            "current_password": self.cleaned_data["old_password"],
            "new_password": self.cleaned_data["new_password1"],
        }
        try:
            change = PasswordChange.model_validate(passwords)
            call_service(password_service().change, principal_of(self.user), change)
        except ValidationError:
            self.add_error("new_password1", f"Enter at most {PASSWORD_LENGTH_MAXIMUM} characters.")
        except StepUpRequired:
            raise
        except WrongPassword as refusal:
            self.add_error("old_password", refusal.public_message)
        except DomainError as refusal:
            reasons = [detail.message for detail in refusal.details] or [refusal.public_message]
            self.add_error("new_password1", reasons)
