"""How passwords are hashed."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2idHasher(Argon2PasswordHasher):
    """Argon2id with OWASP's parameters for servers: 19 MiB, 2 passes, 1 lane (RFC 9106; OWASP Password Storage).

    Django's defaults take 100 MiB and 8 lanes for each hash, which lets a handful of sign-ins at once take a
    machine's memory; these resist as well by OWASP's measure at a fraction of it.
    """

    time_cost = 2
    memory_cost = 19 * 1024
    parallelism = 1
