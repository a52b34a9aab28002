"""The second factors' admin pages."""

from apps.second_factors.admin.passkey_admin import PasskeyAdmin
from apps.second_factors.admin.reset_operation import RESET
from apps.second_factors.admin.totp_device_admin import TotpDeviceAdmin

__all__ = ["RESET", "PasskeyAdmin", "TotpDeviceAdmin"]
