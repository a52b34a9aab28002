"""Output formats of the admin: RFC 3339 dates, and times with seconds. Django's input formats are unchanged."""

DATE_FORMAT = "Y-m-d"
TIME_FORMAT = "H:i:s"
DATETIME_FORMAT = "Y-m-d H:i:s"
