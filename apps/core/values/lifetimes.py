"""Lifetimes that several apps, or the environment, use."""

ACCESS_TOKEN_SECONDS = 15 * 60
RECENT_AUTHENTICATION_SECONDS = 10 * 60  # how long a session counts as recently authenticated
