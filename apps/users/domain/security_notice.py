"""Security notices: the events of which an account's owner is notified by mail."""

from enum import StrEnum


class SecurityNotice(StrEnum):
    """The event in one short sentence, which is also the subject of the message."""

    PASSWORD_CHANGED = "Your password was changed."
    PASSWORD_RESET = "Your password was reset through a link in a mail."
    EMAIL_CHANGED = "The e-mail address of your account was changed."
    NEW_DEVICE = "Your account was signed in to from a new device."
    TOKEN_REUSED = "A session of your account was ended, because a token of it was used twice."
    SECOND_FACTOR_ADDED = "A second factor was added to your account."
    SECOND_FACTOR_REMOVED = "A second factor was removed from your account."
    SECOND_FACTORS_RESET = "All second factors of your account were removed."
    RECOVERY_CODE_USED = "A recovery code of your account was used."
    RECOVERY_CODES_RENEWED = "The recovery codes of your account were replaced."
    CODES_GUESSED = "Many wrong codes were entered for your account, perhaps by someone who knows your password."
    PASSKEY_CLONED = "A passkey of your account was refused, because it may have been copied."
    IDENTITY_LINKED = "Another way of signing in was linked to your account."
    IDENTITY_UNLINKED = "A way of signing in was unlinked from your account."
