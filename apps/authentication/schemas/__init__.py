"""What goes in and out about signing in."""

from apps.authentication.schemas.forgotten_password import ForgottenPassword
from apps.authentication.schemas.login_request import LoginRequest
from apps.authentication.schemas.password_change import PasswordChange
from apps.authentication.schemas.password_reset_request import PasswordResetRequest
from apps.authentication.schemas.refresh_request import RefreshRequest
from apps.authentication.schemas.second_factor_code import SecondFactorCode
from apps.authentication.schemas.second_factor_needed import SecondFactorNeeded
from apps.authentication.schemas.second_factor_passkey import SecondFactorPasskey
from apps.authentication.schemas.second_factor_passkey_query import SecondFactorPasskeyQuery
from apps.authentication.schemas.session_out import SessionOut
from apps.authentication.schemas.sessions_end_query import SessionsEndQuery
from apps.authentication.schemas.sessions_ended import SessionsEnded
from apps.authentication.schemas.signing_key_out import SigningKeyOut
from apps.authentication.schemas.step_up_request import StepUpRequest
from apps.authentication.schemas.token_pair import TokenPair

__all__ = [
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
    "SessionsEndQuery",
    "SessionsEnded",
    "SigningKeyOut",
    "StepUpRequest",
    "TokenPair",
]
