"""What goes in and out about second factors."""

from apps.second_factors.schemas.code_entry import CodeEntry
from apps.second_factors.schemas.factor_kind import FactorKind
from apps.second_factors.schemas.fields import Challenge, Code
from apps.second_factors.schemas.passkey_added import PasskeyAdded
from apps.second_factors.schemas.passkey_assertion import PasskeyAssertion
from apps.second_factors.schemas.passkey_credentials import AssertionCredential, AttestationCredential
from apps.second_factors.schemas.passkey_options import PasskeyOptions
from apps.second_factors.schemas.passkey_out import PasskeyOut
from apps.second_factors.schemas.passkey_registration import PasskeyRegistration
from apps.second_factors.schemas.passkey_rename import PasskeyRename
from apps.second_factors.schemas.recovery_codes_out import RecoveryCodesOut
from apps.second_factors.schemas.second_factors_out import SecondFactorsOut
from apps.second_factors.schemas.second_factors_reset import SecondFactorsReset
from apps.second_factors.schemas.totp_out import TotpOut
from apps.second_factors.schemas.totp_secret import TotpSecret

__all__ = [
    "AssertionCredential",
    "AttestationCredential",
    "Challenge",
    "Code",
    "CodeEntry",
    "FactorKind",
    "PasskeyAdded",
    "PasskeyAssertion",
    "PasskeyOptions",
    "PasskeyOut",
    "PasskeyRegistration",
    "PasskeyRename",
    "RecoveryCodesOut",
    "SecondFactorsOut",
    "SecondFactorsReset",
    "TotpOut",
    "TotpSecret",
]
