"""For how long things are good that more than one room, or the environment, speaks of."""

ACCESS_TOKEN_SECONDS = 15 * 60
RECENT_AUTHENTICATION_SECONDS = 10 * 60  # for so long after it a proof counts as recent
