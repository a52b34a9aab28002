"""What goes in and out about signing in."""

from apps.authentication.schemas.forgotten_password import ForgottenPassword
from apps.authentication.schemas.login_request import LoginRequest
from apps.authentication.schemas.password_change import PasswordChange
from apps.authentication.schemas.password_reset_request import PasswordResetRequest
from apps.authentication.schemas.refresh_request import RefreshRequest
from apps.authentication.schemas.second_factor_entries import (
    SecondFactorCode,
    SecondFactorPasskey,
    SecondFactorPasskeyQuery,
)
from apps.authentication.schemas.second_factor_needed import SecondFactorNeeded
from apps.authentication.schemas.session_out import SessionOut
from apps.authentication.schemas.sessions_end import SessionsEnd
from apps.authentication.schemas.sessions_ended import SessionsEnded
from apps.authentication.schemas.signing_key_out import SigningKeyOut
from apps.authentication.schemas.step_up_request import StepUpRequest
from apps.authentication.schemas.token_pair import TokenPair
from apps.core.schemas.done import Done

__all__ = [
    "Done",
    "ForgottenPassword",
    "LoginRequest",
    "PasswordChange",
    "PasswordResetRequest",
    "RefreshRequest",
    "SecondFactorCode",
    "SecondFactorNeeded",
    "SecondFactorPasskey",
    "SecondFactorPasskeyQuery",
    "SessionOut",
    "SessionsEnd",
    "SessionsEnded",
    "SigningKeyOut",
    "StepUpRequest",
    "TokenPair",
]
