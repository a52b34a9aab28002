"""The second factors' admin pages."""

from apps.second_factors.admin.second_factor_admin import RESET, PasskeyAdmin, TotpDeviceAdmin

__all__ = ["RESET", "PasskeyAdmin", "TotpDeviceAdmin"]
