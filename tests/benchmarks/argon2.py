"""How many passwords the machine hashes when it does nothing else: the ceiling of logins."""

import os
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

from apps.core.crypto.passwords import Argon2idHasher
from tests.benchmarks.load_generator import Sample
from tests.benchmarks.population import PASSWORD

THREADS = os.cpu_count() or 1  # as many as Keyhouse hashes with


def hash_alone(seconds: float) -> Sample:
    """Verify a password on every thread, over and over, for so long, and once at least."""
    hasher = Argon2idHasher()
    encoded = hasher.encode(PASSWORD, hasher.salt())
    sample, starts = Sample(seconds), perf_counter()

    def verify() -> None:
        while not sample.latencies or perf_counter() < starts + seconds:
            began = perf_counter()
            hasher.verify(PASSWORD, encoded)
            sample.latencies.append(perf_counter() - began)

    with ThreadPoolExecutor(THREADS) as threads:
        for done in [threads.submit(verify) for _ in range(THREADS)]:
            done.result()
    sample.seconds = perf_counter() - starts
    return sample
