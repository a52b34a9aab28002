"""Dates as RFC 3339 orders them, and seconds, which a support case needs; what Django reads is left as it is."""

DATE_FORMAT = "Y-m-d"
TIME_FORMAT = "H:i:s"
DATETIME_FORMAT = "Y-m-d H:i:s"
