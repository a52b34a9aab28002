"""Facts of the API that its errors, tokens and settings name: its base path, and lifetimes."""

API_PATH = "/api/v1"


ACCESS_TOKEN_SECONDS = 15 * 60
RECENT_AUTHENTICATION_SECONDS = 10 * 60  # how long a session counts as recently authenticated
