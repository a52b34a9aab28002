"""The password hasher."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2idHasher(Argon2PasswordHasher):
    """Argon2id with OWASP's parameters for servers: 19 MiB, 2 passes, 1 lane (RFC 9106; OWASP Password Storage).

    Django's defaults use 100 MiB and 8 lanes per hash, so a few concurrent sign-ins could exhaust a machine's memory.
    OWASP rates these parameters as equally resistant, at a fraction of the memory.
    """

    time_cost = 2
    memory_cost = 19 * 1024
    parallelism = 1
