"""Second factors."""

from apps.second_factors.models.factor_attempt import FactorAttempt
from apps.second_factors.models.passkey import Passkey
from apps.second_factors.models.recovery_code import RecoveryCode
from apps.second_factors.models.totp_device import TotpDevice

__all__ = ["FactorAttempt", "Passkey", "RecoveryCode", "TotpDevice"]
