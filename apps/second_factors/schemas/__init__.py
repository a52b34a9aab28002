"""What goes in and out about second factors."""

from apps.second_factors.schemas.codes import Code, CodeEntry, RecoveryCodesOut
from apps.second_factors.schemas.factors_out import FactorKind, SecondFactorsOut, SecondFactorsReset, TotpOut
from apps.second_factors.schemas.passkey_credentials import AssertionCredential, AttestationCredential
from apps.second_factors.schemas.passkey_entries import (
    PasskeyAssertion,
    PasskeyOptions,
    PasskeyRegistration,
    PasskeyRename,
)
from apps.second_factors.schemas.passkey_out import PasskeyAdded, PasskeyOut
from apps.second_factors.schemas.totp_secret import TotpSecret

__all__ = [
    "AssertionCredential",
    "AttestationCredential",
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
